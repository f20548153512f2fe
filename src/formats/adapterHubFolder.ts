/**
 * An adapter folder as AdapterHub's library `adapters` saves it: adapter_config.json and adapter.safetensors, and with a head
 * head_config.json and model_head.safetensors.
 */
import type { AdapterFolder } from './adapterContent.ts';
import type { FileSet } from './byteSource.ts';
import { UserError } from './errors.ts';
import type { FloatTensor } from './floatTensors.ts';
import { findNonFinite, readFloatTensors } from './floatTensors.ts';
import { int8Tensors, readInt8Tensors } from './int8Tensors.ts';
import { writeSafetensors } from './safetensorsWriter.ts';

const weightsFile = 'adapter.safetensors';
/** Weights in INT8 (see int8Tensors.ts) lie under a name of their own: AdapterHub would take them for floats. */
const int8File = 'adapter_int8.safetensors';
const headFile = 'model_head.safetensors';

/** Keys of adapter_config.json that Graft adds at the top, where AdapterHub reads none: how the weights are stored, and the head's labels. */
export const weightsKey = 'weights_dtype';
export const labelsKey = 'label2id';

/** Tensors of the adapter itself; any other is of the head. */
const isOfAdapter = (key: string) => /(^|\.)(adapters|refts|loras)\./.test(key);

/** @param config of the folder, read already */
export async function readAdapterHubFolder(
  files: FileSet,
  config: Readonly<Record<string, unknown>>,
): Promise<AdapterFolder> {
  const weights = files.get(weightsFile);
  const int8 = files.get(int8File);
  if (!weights && !int8) {
    const pickled = files.has('pytorch_adapter.bin')
      ? ' It has pytorch_adapter.bin, which Graft does not read because pickled files can run code.'
      : '';
    throw new UserError(`The folder has no ${weightsFile}.${pickled} Save the adapter with use_safetensors=True.`);
  }
  const adapter = weights ? await readFloatTensors(weights) : await readInt8Tensors(int8!);
  const head = files.get(headFile);
  const tensors = new Map([...adapter, ...(head ? await readFloatTensors(head) : [])]);
  const broken = findNonFinite(tensors);
  if (broken !== undefined)
    throw new UserError(
      `${broken} in ${(weights ?? int8)?.name} holds values that are not finite: the adapter is spoilt. Choose an earlier checkpoint.`,
    );
  return { config, tensors };
}

export function writeAdapterHubFolder(
  config: Readonly<Record<string, unknown>>,
  tensors: ReadonlyMap<string, FloatTensor>,
): Map<string, Uint8Array<ArrayBuffer>> {
  const broken = findNonFinite(tensors);
  if (broken !== undefined)
    throw new UserError(
      `${broken} holds values that are not finite, so no adapter was written. Go back to an earlier checkpoint or lower learning_rate.`,
    );
  const { [labelsKey]: labels, ...adapterConfig } = config;
  const list = [...tensors].map(([name, { shape, data }]) => ({ name, shape, data }));
  const own = list.filter(({ name }) => isOfAdapter(name));
  const head = list.filter(({ name }) => !isOfAdapter(name));
  const files = new Map([
    ['adapter_config.json', pythonJson(adapterConfig)],
    config[weightsKey] === 'int8'
      ? [int8File, writeSafetensors(int8Tensors(own))]
      : [weightsFile, writeSafetensors(own)],
  ]);
  if (head.length === 0) return files;
  files.set('head_config.json', pythonJson(headConfig(config, labels as Readonly<Record<string, number>>)));
  return files.set(headFile, writeSafetensors(head));
}

/** head_config.json of a model class that has its head built in: without a config and a name of its own. */
function headConfig(
  { hidden_size, model_class, model_name, model_type, version }: Readonly<Record<string, unknown>>,
  labels: Readonly<Record<string, number>>,
): Record<string, unknown> {
  const model = { hidden_size, model_class, model_name, model_type, version };
  return { ...model, config: null, name: null, label2id: labels, num_labels: Object.keys(labels).length };
}

/** As json.dump(indent=2, sort_keys=True) writes it. AdapterHub takes `scaling` for a number only where it has a point: 4.0. */
function pythonJson(value: unknown): Uint8Array<ArrayBuffer> {
  const json = JSON.stringify(sorted(value), null, 2);
  return new TextEncoder().encode(json.replace(/("(?:scaling|dropout|stochastic_depth)": -?\d+)(?=,?\n)/g, '$1.0'));
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
