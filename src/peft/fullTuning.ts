import { wholeModelType } from '../formats/adapterContent.ts';
import type { ModelDescription } from '../models/family.ts';
import type { Adapter, CheckpointFacts, Method, ParameterSpec } from './method.ts';
import { tensorsOf, trainedOrFresh } from './savedModules.ts';

/** Full fine-tuning, the reference that all other methods are measured against: every tensor is trained, and the result is a model. */
export const fullTuning: Method = {
  peftType: wholeModelType,
  name: 'Full fine-tuning',
  summary:
    'Trains every weight of the model and writes a whole model. Choose it for small models and much data, or as the measure of the others; it takes 16 bytes of memory a weight and wants a low learning rate.',
  group: 'full',
  learningRate: 2e-5,
  fields: [],
  attach: (_, model) => wholeModel(model),
  // the trained tensors are the model's own
  merge: () => undefined,
};

/** @param rateFactorOf what a tensor of the checkpoint learns at; see ParameterSpec.rateFactor */
export function wholeModel(
  { description }: CheckpointFacts,
  rateFactorOf: (tensor: string) => ParameterSpec['rateFactor'] = () => undefined,
): Adapter {
  const trained = new Map(
    ownModules(description)
      .flatMap(tensorsOf)
      .map((tensor) => {
        const spec = trainedOrFresh(description, tensor, tensor.name);
        return [tensor.name, { ...spec, rateFactor: rateFactorOf(tensor.name) }];
      }),
  );
  const { tieWordEmbeddings, headPath, embeddingPath } = description;
  const stored = (name: string) =>
    tieWordEmbeddings && name === `${headPath}.weight` ? `${embeddingPath}.weight` : name;
  return {
    peftType: wholeModelType,
    parameters: [...trained.values()],
    hooks: {
      replaces: (graph, name) => {
        const spec = trained.get(stored(name));
        return spec && graph.parameter(spec.name, spec.shape);
      },
    },
    config: { peft_type: wholeModelType },
    baseTensors: new Map(),
    ignoresKey: () => false,
  };
}

/** The modules that have tensors of their own: a tied head has none. */
function ownModules({ modules, headPath, tieWordEmbeddings }: ModelDescription): ModelDescription['modules'] {
  return tieWordEmbeddings ? modules.filter(({ path }) => path !== headPath) : modules;
}
