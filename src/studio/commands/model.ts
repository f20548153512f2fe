import type { ModelCard, ModelFile, PricedWeights } from '../../engine/api.ts';
import { toEngineError } from '../../engine/client.ts';
import { isActive } from '../logic/readiness.ts';
import { hasRoomFor } from '../logic/room.ts';
import { settingsOfFields } from '../logic/settings.ts';
import { patch, useStudio } from '../state/store.ts';
import { reopenData, showSome } from './data.ts';
import { engine, showToast, trackIn } from './engine.ts';
import { refreshEstimate } from './estimate.ts';
import { chooseStored, refreshWeights } from './quantise.ts';
import { refreshStorage } from './storage.ts';
import { clearPlayground } from './playground.ts';

export async function openModelFiles(files: readonly ModelFile[]): Promise<void> {
  if (files.length === 0 || isModelInUse()) return;
  const card = await trackIn('model', 'opening', (onProgress) => engine().openModel(files, onProgress));
  if (card) await takeModel(card);
}

export async function openStoredModel(id: string): Promise<void> {
  if (isModelInUse()) return;
  const card = await trackIn('model', 'opening', (onProgress) => engine().openStoredModel(id, onProgress));
  if (card) await takeModel(card);
}

/** Model, data and settings at once, so that a newcomer has only to press Start. */
export async function openSample(): Promise<void> {
  if (isModelInUse()) return;
  const sample = await trackIn('model', 'opening', (onProgress) => engine().openSample(onProgress));
  if (!sample) return;
  const { settings, data: options } = settingsOfFields(sample.fields, useStudio.getState().method);
  patch('method', settings);
  patch('data', { card: sample.data, options });
  patch('model', { card: sample.model, isSample: true });
  clearPlayground();
  refreshEstimate();
  await Promise.all([refreshWeights(), showSome(sample.data, 0)]);
}

/** A run holds its model on the GPU until it ends; says so where someone would change it. */
function isModelInUse(): boolean {
  const inUse = isActive(useStudio.getState().run.status);
  if (inUse) showToast('A run is using the model. Stop the run before you open another.', true);
  return inUse;
}

async function takeModel(card: ModelCard): Promise<void> {
  patch('model', { card, isSample: false });
  clearPlayground();
  await refreshWeights();
  await Promise.all([fitDataTo(card), keepWhereThereIsRoom(card)]);
  refreshEstimate();
}

/** A new model has its own tokens and tasks: rows are read anew, and none is longer than the model can read. */
async function fitDataTo(card: ModelCard): Promise<void> {
  const { options } = useStudio.getState().data;
  const maxLength = card.image ? options.maxLength : Math.min(options.maxLength, card.contextLength);
  const taskType = card.tasks.some((task) => task === options.taskType) ? options.taskType : 'auto';
  patch('data', { options: { ...options, maxLength, taskType } });
  if (useStudio.getState().data.card) await reopenData();
}

/** A model is kept where there is room for it. */
async function keepWhereThereIsRoom(card: ModelCard): Promise<void> {
  if (!useStudio.getState().machine.storage) await refreshStorage();
  const { storage } = useStudio.getState().machine;
  if (card.isStored || !storage || storage.heldElsewhere) return;
  if (hasRoomFor(storage, card.fileBytes)) await keepModel();
}

export async function keepModel(): Promise<void> {
  const kept = await trackIn('model', 'keeping', (onProgress) => engine().keepModel(onProgress));
  const { card } = useStudio.getState().model;
  if (kept && card?.id === kept.id) patch('model', { card: { ...card, isStored: true } });
  await Promise.all([refreshStoredModels(), refreshStorage()]);
}

/**
 * Writes a quantised copy into the library and goes on with that; `replaces` deletes the library's copy of the original. Resolves to
 * whether it is there.
 */
export async function keepQuantised({ fields }: PricedWeights, replaces: boolean): Promise<boolean> {
  const card = await trackIn('quantise', 'keeping', (onProgress) =>
    engine().keepQuantised(fields, replaces, onProgress),
  );
  if (!card) return false;
  chooseStored();
  await takeModel(card);
  showToast(`${card.name} is in the library and open.`);
  await Promise.all([refreshStoredModels(), refreshStorage()]);
  return true;
}

export async function deleteModel(id: string): Promise<void> {
  try {
    await engine().deleteModel(id);
  } catch (thrown) {
    showToast(toEngineError(thrown).message, true);
  }
  const { card } = useStudio.getState().model;
  if (card?.id === id) patch('model', { card: { ...card, isStored: false } });
  await Promise.all([refreshStoredModels(), refreshStorage()]);
}

export async function refreshStoredModels(): Promise<void> {
  const stored = await engine()
    .listModels()
    .catch(() => []);
  patch('model', { stored: [...stored].sort((a, b) => b.lastUsed - a.lastUsed) });
}
