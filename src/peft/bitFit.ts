import { UserError } from '../formats/errors.ts';
import type { ModelDescription } from '../models/family.ts';
import { lora } from './lora.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields } from './method.ts';
import { headNames, keyPrefix, modulesNamed, modulesToSaveField, tensorsOf } from './savedModules.ts';
import { readFields } from './schema.ts';

/**
 * BitFit (Ben Zaken et al., arXiv 2106.10199): every bias of the model is trained. No library has a file for it: it is written as a LoRA
 * with bias "all" and an update of rank 1 that is zero, A and B both, so that it stays zero where PEFT trains on from it.
 */
export const bitFit: Method = {
  peftType: 'BITFIT',
  filedAs: 'LORA',
  name: 'BitFit',
  summary:
    'Trains every bias of the model and nothing else. Choose it for models that have biases, such as GPT-2 and BERT, and for little data; it needs a high learning rate.',
  group: 'scaling',
  learningRate: 1e-3,
  fields: [modulesToSaveField],
  attach,
  readConfig,
  merge: lora.merge,
};

/** Of a LoRA's config; a task's head, which PEFT names there, is trained by its bias alone. */
function readConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = ([config['modules_to_save'] ?? []].flat() as string[]).filter((name) => !headNames.includes(name));
  return { modules_to_save: names.length > 0 ? names : null };
}

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const { description } = model;
  if (!description.modules.some(({ hasBias }) => hasBias))
    throw new UserError(
      `BITFIT trains the biases, and this ${description.modelType} model has none. The nearest that works is BEFT, which gives the value projections biases of their own; LN_TUNING trains the norms.`,
    );
  const names = fields['modules_to_save'] as string[] | null;
  const file = lora.attach(readFields(lora.fields, { r: 1, bias: 'all', modules_to_save: names }), model);
  const trained = trainedTensors(description, names ?? []);
  const replaces: Adapter['hooks']['replaces'] = (graph, name) =>
    trained.has(name) ? file.hooks.replaces?.(graph, name) : undefined;
  const isTrained = (key: string) => trained.has(key.slice(keyPrefix.length).replace(/\.base_layer\.bias$/, '.bias'));
  return {
    ...file,
    parameters: file.parameters.map((spec) => {
      if (isTrained(spec.name)) return spec;
      return {
        ...spec,
        role: 'frozen',
        ...(spec.name.includes('.lora_') && { initial: { kind: 'constant', value: 0 } }),
      };
    }),
    hooks: { replaces },
  };
}

/** All biases, what modules_to_save names, and a head that starts afresh. */
function trainedTensors(description: ModelDescription, names: readonly string[]): ReadonlySet<string> {
  const tensors = description.modules.flatMap(tensorsOf).map(({ name }) => name);
  const named = names.flatMap((name) => modulesNamed(description, name)).flatMap(tensorsOf);
  return new Set([
    ...tensors.filter((name) => name.endsWith('.bias')),
    ...named.map(({ name }) => name),
    ...(description.freshTensors ?? []),
  ]);
}
