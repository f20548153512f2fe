import type { AdapterFolder } from '../formats/adapterContent.ts';
import { wholeModelType } from '../formats/adapterContent.ts';
import { readAdapterFolder, writeAdapterFolder } from '../formats/adapterFolder.ts';
import type { FileSet } from '../formats/byteSource.ts';
import { readDecoded, readDecodedRows, readOriginal, tensorOf } from '../models/checkpoint.ts';
import { readAdapterFields } from '../peft/adapterConfig.ts';
import type { EncodedRow } from '../data/encodeRow.ts';
import type { LabelMap } from '../data/labels.ts';
import type { Gpu } from '../gpu/device.ts';
import type { TaskType } from '../models/family.ts';
import type { Adapter, CheckpointFacts, RowStart } from '../peft/method.ts';
import type { OnProgress } from './api.ts';
import { initialValues, tensorsForFile, valuesFromFile } from '../peft/initialize.ts';
import { methodOfConfig } from '../peft/registry.ts';
import { filesBesideFloats } from './besideWeights.ts';
import { GpuRowInputs } from './gpuRowInputs.ts';
import type { LoadedModel } from './loadedModel.ts';
import { labelsFile, labelsJson, modelForAdapter, modelForLabels, modelForTask } from './taskModel.ts';
import { describeRun, withinPositions, type RunDescription } from './runFields.ts';
import { totalSteps } from '../train/settings.ts';

/** A run's settings applied to its model: the adapter and the numbers it starts from. */
export interface PreparedRun {
  readonly run: RunDescription;
  /** with the head for the run's task and labels */
  readonly model: LoadedModel;
  readonly adapter: Adapter;
  readonly initial: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
}

/** What a run must know of its rows: how many there are to learn from, since a method may spread its work over them, and their labels. */
export interface RunRows {
  readonly count: number;
  readonly labels?: LabelMap;
  /** for a start that is found on them: the rows to learn from, and where the model runs over them */
  readonly learned?: { readonly rows: readonly EncodedRow[]; gpu(): Promise<Gpu> };
  /** hears of what takes time before the first step */
  readonly onProgress?: OnProgress;
}

/**
 * Checks the fields against the model and gives every parameter its first numbers: from the adapter that is continued, else by the
 * method's initialisation from the run's seed. Throws a UserError that names the field or the tensor.
 * @param openRows reads the rows for the model with the task's head
 */
export async function prepareRun(
  model: LoadedModel,
  fields: Readonly<Record<string, unknown>>,
  initAdapter?: FileSet,
  openRows?: (run: RunDescription, model: LoadedModel) => Promise<RunRows> | RunRows,
): Promise<PreparedRun> {
  const folder = initAdapter && (await readAdapterFor(model, initAdapter));
  const described = describeRun(fields, folder?.config);
  const quantised = model.quantised(described.quantisation);
  const forTask = await (folder && initAdapter
    ? modelForAdapter(quantised, initAdapter, folder, described.task)
    : modelForTask(quantised, described.task));
  const run = withinPositions(described, forTask.rowLimit);
  const rows = await openRows?.(run, forTask);
  const ready = await modelForLabels(forTask, rows?.labels);
  const steps = rows ? totalSteps(rows.count, run.training) : run.training.maxSteps;
  const quantisation = folder ? undefined : (ready.checkpoint.quantisation ?? null);
  const facts = { ...factsOf(ready), totalSteps: steps || undefined, quantisation };
  const plain = run.method.attach(run.methodFields, facts);
  const found = folder ? undefined : await startOnRows(plain, ready, run, rows);
  const adapter = found ? run.method.attach(found.fields, facts) : plain;
  const given = found?.values ?? (folder && valuesOfFolder(adapter, folder));
  const initial = await valuesOf(ready, adapter, given, run.training.seed, rows?.onProgress);
  return { run, model: ready, adapter, initial };
}

/** What a method whose start depends on the rows finds on them. */
async function startOnRows(
  adapter: Adapter,
  model: LoadedModel,
  { training }: RunDescription,
  rows: RunRows | undefined,
): Promise<RowStart | undefined> {
  if (!adapter.startFromRows || !rows?.learned) return undefined;
  const { learned, onProgress } = rows;
  const inputs = await GpuRowInputs.open(await learned.gpu(), model, learned.rows, training.batchSize, onProgress);
  try {
    return await adapter.startFromRows(inputs);
  } finally {
    inputs.close();
  }
}

function valuesOfFolder(adapter: Adapter, folder: AdapterFolder): ReadonlyMap<string, Float32Array<ArrayBuffer>> {
  return adapter.fromContent?.(folder) ?? valuesFromFile(adapter, folder.tensors);
}

/** Numbers for every parameter: those given, and for the others the method's initialisation, which may read weights of the model. */
async function valuesOf(
  model: LoadedModel,
  adapter: Adapter,
  given: ReadonlyMap<string, Float32Array<ArrayBuffer>> | undefined,
  seed: number,
  onProgress?: OnProgress,
): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const read = new Set<string>();
  const tell = (total: number) => onProgress?.({ phase: 'start', done: read.size, total, unit: 'weights' });
  const values = await initialValues(adapter, given ?? new Map(), {
    seed,
    base: (tensor, version) => {
      read.add(tensor);
      tell(0); // how many it takes is not known
      return version === 'original' ? readOriginal(model.checkpoint, tensor) : readDecoded(model.checkpoint, tensor);
    },
    baseRows: (tensor, rows) => readDecodedRows(model.checkpoint, tensor, rows),
    tokenize: (text) => model.tokenizer.encode(text),
  });
  if (read.size > 0) tell(read.size);
  return values;
}

/** An adapter's folder, with the names that the model's modules have today. */
async function readAdapterFor({ checkpoint }: LoadedModel, files: FileSet): Promise<AdapterFolder> {
  const folder = await readAdapterFolder(files);
  return checkpoint.description.fromOlder?.(folder) ?? folder;
}

export interface AttachedAdapter {
  /** with the head that the adapter is for */
  readonly model: LoadedModel;
  readonly adapter: Adapter;
  readonly values: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  readonly folder: AdapterFolder;
}

/** A finished adapter ready for use on this model. Strict: see valuesFromFile. */
export async function attachAdapter(model: LoadedModel, files: FileSet): Promise<AttachedAdapter> {
  const folder = await readAdapterFor(model, files);
  const ready = await modelForAdapter(model, files, folder);
  const method = methodOfConfig(folder.config);
  const attached = method.attach(readAdapterFields(method, folder.config), factsOf(ready));
  const adapter = attached.forUse ?? attached;
  return { model: ready, adapter, values: await valuesOf(ready, adapter, valuesOfFolder(adapter, folder), 0), folder };
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
  const config = content?.config ?? adapter.config;
  const files = writeAdapterFolder({ config, tensors, beside: content?.beside });
  if (model.labels) files.set(labelsFile, labelsJson(model.labels));
  if (config['peft_type'] !== wholeModelType) return files;
  return new Map([...files, ...(await filesBesideFloats(model.checkpoint, model.labels))]);
}

function factsOf({ description, checkpoint }: LoadedModel): CheckpointFacts {
  return { description, baseModelName: checkpoint.name, taskType: peftTaskType(description.task) };
}

/** PEFT knows no task for images: it writes null. */
export function peftTaskType(task: TaskType): string | null {
  return task === 'IMAGE_CLS' ? null : task;
}
