import type { DataCard, ModelCard } from '../../engine/api.ts';
import { chosenTask, isClassifierTask, type Task } from './tasks.ts';

/** What the Playground asks for: the chosen mode where the model has both, else what the open data taught, else what the model suits. */
export function playgroundMode(
  chosen: 'write' | 'classify' | null,
  model: Pick<ModelCard, 'tasks'> | null,
  data: Pick<DataCard, 'taskType'> | null,
): 'write' | 'classify' {
  if (chosen !== null && hasBothModes(model)) return chosen;
  const tasks = model?.tasks ?? [];
  const taught = data && tasks.includes(data.taskType) ? data.taskType : chosenTask(model, 'auto');
  return modeOf(taught);
}

export function hasBothModes(model: Pick<ModelCard, 'tasks'> | null): boolean {
  return new Set(model?.tasks.map(modeOf)).size === 2;
}

function modeOf(task: Task): 'write' | 'classify' {
  return isClassifierTask(task) ? 'classify' : 'write';
}
