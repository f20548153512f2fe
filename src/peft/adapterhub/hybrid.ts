import { hybridType } from '../../formats/adapterContent.ts';
import type { FloatTensor } from '../../formats/floatTensors.ts';
import type { ModelDescription } from '../../models/family.ts';
import { readAdapterFields } from '../adapterConfig.ts';
import { tensorsForFile, valuesFromFile } from '../initialize.ts';
import { lora } from '../lora.ts';
import type { Adapter, AdapterContent, CheckpointFacts, Method, MethodFields } from '../method.ts';
import { keyPrefix } from '../savedModules.ts';
import { taskHead } from './adapterHubConfig.ts';
import { attachBottlenecks, pfeifferDefaults } from './bottleneck.ts';
import { bottleneckFields, readBottleneckConfig } from './bottleneckFields.ts';

type Config = Readonly<Record<string, unknown>>;

const ofBottlenecks = bottleneckFields(pfeifferDefaults);

/** Numbers of LoRA's dropouts lie below those of the bottlenecks. */
const firstBottleneckSite = 2 ** 20;

/**
 * LoRA on the linear layers and bottlenecks at the sublayers, trained together. The fields of both stand side by side: no two are
 * spelled alike. The folder has a part for each library: lora/ is PEFT's, adapter/ AdapterHub's, and each loads its own.
 */
export const hybrid: Method = {
  peftType: hybridType,
  name: 'LoRA with bottleneck adapters',
  summary:
    'Trains LoRA and bottleneck adapters together, and exports each as its own library has it. Choose it where one of them alone does not learn enough.',
  group: 'adapters',
  learningRate: 1e-4,
  fields: [...lora.fields, ...ofBottlenecks],
  attach,
  readConfig: (config) => ({
    ...readAdapterFields(lora, config['lora'] as Config),
    ...readBottleneckConfig(config['adapter'] as Config),
  }),
  whyNoMerge:
    'The bottlenecks have an activation between their projections, so no weight of the model can hold them. Merge a LoRA alone, or use the adapter beside the model.',
};

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const pick = (schemas: Method['fields']) => Object.fromEntries(schemas.map(({ name }) => [name, fields[name]]));
  const low = lora.attach(pick(lora.fields), model);
  const attached = attachBottlenecks(hybridType, pick(ofBottlenecks), model, firstBottleneckSite);
  const heads = taskHead(model.description);
  const bottlenecks = { ...attached, parameters: attached.parameters.filter(({ name }) => !heads.has(name)) };
  const config = { peft_type: hybridType, lora: low.config, adapter: bottlenecks.config };
  return {
    ...low,
    peftType: hybridType,
    parameters: [...low.parameters, ...bottlenecks.parameters],
    config,
    hooks: { ...low.hooks, sublayer: bottlenecks.hooks.sublayer },
    async toContent(values, readBase) {
      const ofLora = await low.toContent?.(values, readBase);
      const tensors = new Map(ofLora?.tensors ?? tensorsForFile(low, values));
      for (const [key, tensor] of copiesOfHead(model.description, tensors)) tensors.set(key, tensor);
      const ofAdapter = (await attached.toContent?.(values, readBase))?.tensors ?? tensorsForFile(attached, values);
      for (const [key, tensor] of ofAdapter) if (!heads.has(key)) tensors.set(key, tensor);
      return { config: { ...config, lora: ofLora?.config ?? low.config }, tensors };
    },
    fromContent({ config: read, tensors }: AdapterContent) {
      const isLora = (key: string) => key.startsWith(keyPrefix);
      const part = (wanted: boolean) =>
        new Map([...tensors].filter(([key]) => isLora(key) === wanted && !heads.has(key)));
      const content = { config: read['lora'] as Config, tensors: part(true) };
      return new Map([
        ...(low.fromContent?.(content) ?? valuesFromFile(low, content.tensors)),
        ...valuesFromFile(bottlenecks, part(false)),
      ]);
    },
  };
}

/** The head of the task, trained once, as AdapterHub's part has it too. */
function copiesOfHead(
  description: ModelDescription,
  tensors: ReadonlyMap<string, FloatTensor>,
): [string, FloatTensor][] {
  return [...taskHead(description).keys()].flatMap((name): [string, FloatTensor][] => {
    const tensor = tensors.get(`${keyPrefix}${name}`);
    return tensor ? [[name, tensor]] : [];
  });
}
