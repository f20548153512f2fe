import type { LabelMap } from '../data/labels.ts';
import { openCheckpoint, type Checkpoint } from '../models/checkpoint.ts';
import type { TaskChoice } from '../models/family.ts';
import type { LoadedModel } from './loadedModel.ts';
import type { TaskFields } from './taskModel.ts';

const opened = new WeakMap<Checkpoint, Map<string, Promise<Checkpoint>>>();

/**
 * Headers of the model with the head for a run's task: for an estimate. What the open model has on the GPU stays there, where a run may
 * be using it. Throws a UserError where the family has no such head.
 * @param adapterConfig of the adapter that is continued: its task is the run's
 */
export function checkpointForRun(
  { checkpoint }: LoadedModel,
  { task_type: wanted }: Pick<TaskFields, 'task_type'>,
  labels?: LabelMap,
  adapterConfig?: Readonly<Record<string, unknown>>,
): Promise<Checkpoint> {
  const { task: own, tasks, outputSize } = checkpoint.description;
  const type = tasks.find((task) => task === adapterConfig?.['task_type']) ?? (wanted === 'auto' ? own : wanted);
  if (type === own && (labels?.numLabels ?? outputSize) === outputSize) return Promise.resolve(checkpoint);
  const choice: TaskChoice = { type, numLabels: labels?.numLabels, problemType: labels?.problemType ?? undefined };
  const known = opened.get(checkpoint) ?? new Map<string, Promise<Checkpoint>>();
  opened.set(checkpoint, known);
  const key = JSON.stringify(choice);
  const found = known.get(key) ?? openCheckpoint(checkpoint.files, checkpoint.name, choice);
  known.set(key, found);
  return found;
}
