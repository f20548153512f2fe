import type { AdapterFolder } from '../formats/adapterContent.ts';
import { readAdapterFolder, writeAdapterFolder } from '../formats/adapterFolder.ts';
import type { FileSet } from '../formats/byteSource.ts';
import { readDecoded, tensorOf } from '../models/checkpoint.ts';
import { readAdapterFields } from '../peft/adapterConfig.ts';
import type { Adapter } from '../peft/method.ts';
import { initialValues, tensorsForFile, valuesFromFile } from '../peft/initialize.ts';
import { methodOfConfig } from '../peft/registry.ts';
import type { LoadedModel } from './loadedModel.ts';
import { describeRun, withinPositions, type RunDescription } from './runFields.ts';

/** A run's settings applied to its model: the adapter and the numbers it starts from. */
export interface PreparedRun {
  readonly run: RunDescription;
  readonly adapter: Adapter;
  readonly initial: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
}

/**
 * Checks the fields against the model and gives every parameter its first numbers: from the adapter that is continued, else by the
 * method's initialisation from the run's seed. Throws a UserError that names the field or the tensor.
 */
export async function prepareRun(
  model: LoadedModel,
  fields: Readonly<Record<string, unknown>>,
  initAdapter?: FileSet,
): Promise<PreparedRun> {
  const folder = initAdapter && (await readAdapterFolder(initAdapter));
  const described = describeRun(fields, folder?.config);
  const facts = factsOf(model, described.fields['task_type'] as string);
  const adapter = described.method.attach(described.methodFields, facts);
  const run = withinPositions(described, model.positions, adapter.hooks);
  const initial = await valuesOf(model, adapter, folder, run.training.seed);
  return { run, adapter, initial };
}

/** Numbers for every parameter: the folder's, and for those that it does not hold the method's initialisation. */
async function valuesOf(
  model: LoadedModel,
  adapter: Adapter,
  folder: AdapterFolder | undefined,
  seed: number,
): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const given = folder && (adapter.fromContent?.(folder) ?? valuesFromFile(adapter, folder.tensors));
  return initialValues(adapter, given ?? new Map(), {
    seed,
    base: (tensor) => readDecoded(model.checkpoint, tensor),
    tokenize: (text) => model.tokenizer.encode(text),
  });
}

/** A finished adapter ready for use on this model. Strict: see valuesFromFile. */
export async function attachAdapter(
  model: LoadedModel,
  files: FileSet,
): Promise<{ adapter: Adapter; values: Map<string, Float32Array<ArrayBuffer>>; folder: AdapterFolder }> {
  const folder = await readAdapterFolder(files);
  const method = methodOfConfig(folder.config);
  const adapter = method.attach(readAdapterFields(method, folder.config), factsOf(model, 'CAUSAL_LM'));
  return { adapter, values: await valuesOf(model, adapter, folder, 0), folder };
}

/** The adapter's folder as its library writes it: PEFT, or AdapterHub. Throws a UserError when a number is not finite. */
export async function adapterFiles(
  model: LoadedModel,
  adapter: Adapter,
  values: ReadonlyMap<string, Float32Array>,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const readBase = (name: string) => readDecoded(model.checkpoint, name);
  const content = await adapter.toContent?.(values, readBase);
  const tensors = new Map(content?.tensors ?? tensorsForFile(adapter, values));
  for (const [key, name] of adapter.baseTensors)
    tensors.set(key, { shape: tensorOf(model.checkpoint, name).shape, data: await readBase(name) });
  return writeAdapterFolder({ config: content?.config ?? adapter.config, tensors, beside: content?.beside });
}

function factsOf(model: LoadedModel, taskType: string) {
  return { description: model.checkpoint.description, baseModelName: model.checkpoint.name, taskType };
}
