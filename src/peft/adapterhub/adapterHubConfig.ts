import { labelsKey } from '../../formats/adapterHubFolder.ts';
import { UserError } from '../../formats/errors.ts';
import type { ModelDescription } from '../../models/family.ts';
import type { CheckpointFacts, ParameterSpec } from '../method.ts';
import { savedModules } from '../savedModules.ts';
import { textField } from '../schema.ts';

/** Of the library whose files these are. */
const version = 'adapters.1.3.0';

/** AdapterHub's name of an adapter, which is a part of every key of its file. */
export const nameField = textField({
  name: 'adapter_name',
  label: 'Name in the file',
  help: 'What AdapterHub calls the adapter once it is loaded; default where nothing is given.',
  advanced: true,
});

export function adapterName(given: unknown): string {
  const name = given === '' || given === undefined || given === null ? 'default' : String(given);
  if (name.includes('.'))
    throw new UserError(`adapter_name: "${name}" has a dot, which a name in a model may not have.`);
  return name;
}

/** The `config` inside AdapterHub's adapter_config.json. */
export function innerConfig(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const inner = config['config'];
  return typeof inner === 'object' && inner !== null ? (inner as Readonly<Record<string, unknown>>) : {};
}

/** adapter_config.json as AdapterHub's build_full_config makes it, and the labels for its head_config.json. */
export function adapterHubConfig(
  { description, baseModelName }: CheckpointFacts,
  name: string,
  config: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { hiddenSize, architecture, modelType, labelNames, outputSize } = description;
  const names = labelNames ?? Array.from({ length: outputSize }, (_, i) => `LABEL_${i}`);
  return {
    config,
    hidden_size: hiddenSize,
    model_class: architecture,
    model_name: baseModelName,
    model_type: modelType,
    name,
    version,
    ...(taskHead(description).size > 0 && { [labelsKey]: Object.fromEntries(names.map((label, i) => [label, i])) }),
  };
}

/**
 * The tensors of the task's head under the names that AdapterHub has for them: the model's own. It trains and saves every classifier with
 * the adapter, one of images too, which PEFT leaves alone.
 */
export function taskHead(description: ModelDescription): ReadonlyMap<string, ParameterSpec> {
  const named = description.task === 'IMAGE_CLS' ? [description.headPath] : null;
  return new Map([...savedModules(description, named)].map(([name, spec]) => [name, { ...spec, name }]));
}

/**
 * Keys of the folder that are read over: the head of a language model, which AdapterHub saves frozen as it is, and the second name that
 * it has for the norm in front of a bottleneck.
 */
export function ignoresKey({ headPath, task }: ModelDescription): (key: string) => boolean {
  const writesText = task === 'CAUSAL_LM' || task === 'SEQ_2_SEQ_LM';
  return (key) => key.includes('.adapter_norm_before.') || (writesText && key.startsWith(`${headPath}.`));
}
