import { readPeftFolder, writePeftFolder, type PeftFolder } from '../formats/peftFolder.ts';
import type { FloatTensor } from '../formats/floatTensors.ts';
import type { FileSet } from '../formats/byteSource.ts';
import { readDecoded, tensorOf } from '../models/checkpoint.ts';
import { readAdapterFields } from '../peft/adapterConfig.ts';
import type { Adapter } from '../peft/method.ts';
import { initialValues, tensorsForFile, valuesFromFile } from '../peft/initialize.ts';
import { methodOf } from '../peft/registry.ts';
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
  const folder = initAdapter && (await readPeftFolder(initAdapter));
  const run = withinPositions(describeRun(fields, folder?.config), model.positions);
  const adapter = run.method.attach(run.methodFields, factsOf(model, run.fields['task_type'] as string));
  const initial = folder
    ? valuesFromFile(adapter, folder.tensors)
    : await freshValues(model, adapter, run.training.seed);
  return { run, adapter, initial };
}

async function freshValues(
  model: LoadedModel,
  adapter: Adapter,
  seed: number,
): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  for (const spec of adapter.parameters)
    values.set(spec.name, await initialValues(spec, seed, (tensor) => readDecoded(model.checkpoint, tensor)));
  return values;
}

/** A finished adapter ready for use on this model. Strict: see valuesFromFile. */
export async function attachAdapter(
  model: LoadedModel,
  files: FileSet,
): Promise<{ adapter: Adapter; values: Map<string, Float32Array<ArrayBuffer>>; folder: PeftFolder }> {
  const folder = await readPeftFolder(files);
  const method = methodOf(folder.config['peft_type']);
  const adapter = method.attach(readAdapterFields(method, folder.config), factsOf(model, 'CAUSAL_LM'));
  return { adapter, values: valuesFromFile(adapter, folder.tensors), folder };
}

/** adapter_config.json and adapter_model.safetensors, as PEFT writes them. Throws a UserError when a number is not finite. */
export async function adapterFiles(
  model: LoadedModel,
  adapter: Adapter,
  values: ReadonlyMap<string, Float32Array>,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const tensors: Map<string, FloatTensor> = tensorsForFile(adapter, values);
  for (const [key, name] of adapter.baseTensors)
    tensors.set(key, {
      shape: tensorOf(model.checkpoint, name).shape,
      data: await readDecoded(model.checkpoint, name),
    });
  return writePeftFolder(adapter.config, tensors);
}

function factsOf(model: LoadedModel, taskType: string) {
  return { description: model.checkpoint.description, baseModelName: model.checkpoint.name, taskType };
}
