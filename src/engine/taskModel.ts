import { fixedLabels, genericNames, type KnownLabels, type LabelMap } from '../data/labels.ts';
import type { FileSet } from '../formats/byteSource.ts';
import { readJson } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import { stripCommonFolder } from '../formats/fileSet.ts';
import type { AdapterFolder } from '../formats/adapterContent.ts';
import type { ModelDescription, ProblemType, TaskType } from '../models/family.ts';
import { taskOfClass } from '../models/heads.ts';
import { isClassifier } from '../train/traceLoss.ts';
import type { LoadedModel } from './loadedModel.ts';

/** Beside an adapter with a head: what its outputs stand for, as config.json spells it. PEFT leaves the file alone. */
export const labelsFile = 'label_map.json';

/** What a run says of its task: run fields of these names, 'auto' where the model and the rows are to tell. */
export interface TaskFields {
  readonly task_type: TaskType | 'auto';
  readonly problem_type: ProblemType | 'auto';
}

/** The model with the head for a run's task. Throws a UserError where its family has no such head. */
export function modelForTask(model: LoadedModel, { task_type: type }: TaskFields): Promise<LoadedModel> {
  return model.forTask({ type: type === 'auto' ? model.checkpoint.description.task : type });
}

/**
 * What is known of a classifier's labels before rows are read: those of its adapter, or the names that config.json gives a head that the
 * checkpoint has. A new head knows none but names that somebody chose.
 */
export function knownLabels(model: LoadedModel, { problem_type: wanted }: TaskFields): KnownLabels | undefined {
  const { checkpoint, labels } = model;
  const { description, config } = checkpoint;
  if (!isClassifier(description)) return undefined;
  if (labels) return fixedLabels(labels);
  const names = description.labelNames ?? [];
  const isNew = description.freshTensors?.has(`${description.headPath}.weight`) ?? false;
  const isGeneric = names.every((name, i) => name === `LABEL_${i}`);
  const problemType = wanted === 'auto' ? (config['problem_type'] as ProblemType | null | undefined) : wanted;
  return { names: isNew && isGeneric ? [] : names, isFixed: false, ...(problemType && { problemType }) };
}

/** What the checkpoint's own classifier tells apart: the names of config.json, or numbers; none where its head is new. */
export function ownLabels({ checkpoint: { description } }: LoadedModel): readonly string[] {
  if (!isClassifier(description) || description.freshTensors?.has(`${description.headPath}.weight`)) return [];
  return description.labelNames ?? genericNames(description.outputSize);
}

/** The model with a head for these labels. */
export function modelForLabels(model: LoadedModel, labels: LabelMap | undefined): Promise<LoadedModel> {
  if (!labels) return Promise.resolve(model);
  const { numLabels, problemType } = labels;
  return model.forTask(
    { type: model.checkpoint.description.task, numLabels, problemType: problemType ?? undefined },
    labels,
  );
}

/**
 * The model with the head that an adapter brings: its task, and as many outputs as its head has.
 * @param asked what a run says of the task, which counts where the adapter says nothing
 */
export async function modelForAdapter(
  model: LoadedModel,
  files: FileSet,
  folder: AdapterFolder,
  asked?: TaskFields,
): Promise<LoadedModel> {
  const { tasks, task: own } = model.checkpoint.description;
  const known = (type: unknown) => tasks.find((task) => task === type);
  const forTask = await model.forTask({ type: known(taskOfAdapter(folder.config)) ?? known(asked?.task_type) ?? own });
  const { description } = forTask.checkpoint;
  if (!isClassifier(description)) return forTask;
  const labels = (await readLabels(files)) ?? labelsOfHead(description, folder.tensors);
  return modelForLabels(forTask, labels);
}

/** PEFT's task_type, or the task of the class that AdapterHub trained it on; a hybrid's is that of its LoRA. */
function taskOfAdapter({ task_type: type, model_class: name, lora }: AdapterFolder['config']): unknown {
  const { task_type: ofLora } = (lora ?? {}) as AdapterFolder['config'];
  return type ?? ofLora ?? taskOfClass(name);
}

/** Where no file names them: as many labels as the adapter's head has rows, named as config.json does if it names that many. */
function labelsOfHead(
  { headPath, labelNames }: ModelDescription,
  tensors: AdapterFolder['tensors'],
): LabelMap | undefined {
  const head = [...tensors].find(([key]) => key.endsWith(`${headPath}.weight`) && !key.includes('base_layer'));
  const numLabels = head?.[1].shape[0];
  if (numLabels === undefined) return undefined;
  const names = labelNames?.length === numLabels ? labelNames : genericNames(numLabels);
  const id2label = Object.fromEntries(names.map((name, id) => [String(id), name]));
  return { id2label, label2id: Object.fromEntries(names.map((name, id) => [name, id])), problemType: null, numLabels };
}

async function readLabels(files: FileSet): Promise<LabelMap | undefined> {
  const source = stripCommonFolder(files).get(labelsFile);
  if (!source) return undefined;
  const json = (await readJson(source)) as Partial<ReturnType<typeof labelsObject>> | null;
  const { id2label, label2id, problem_type: problemType = null } = json ?? {};
  if (!id2label || !label2id)
    throw new UserError(
      `${source.name} has no id2label and label2id. Take it from the adapter's folder, or remove it.`,
    );
  return { id2label, label2id, problemType, numLabels: Object.keys(id2label).length };
}

/** The content of the labels' file. */
export function labelsJson(labels: LabelMap): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(labelsObject(labels), null, 2));
}

function labelsObject({ id2label, label2id, problemType }: LabelMap) {
  return { id2label, label2id, problem_type: problemType };
}
