import type { DataCard, DataOptions, ModelFile } from '../../engine/api.ts';
import { toEngineError } from '../../engine/client.ts';
import { rowsInFile } from '../logic/rows.ts';
import { patch, useStudio } from '../state/store.ts';
import { engine, trackIn } from './engine.ts';
import { refreshEstimate } from './estimate.ts';

export async function openDataFiles(files: readonly ModelFile[]): Promise<void> {
  if (files.length === 0) return;
  const { options } = useStudio.getState().data;
  const card = await trackIn('data', 'opening', (onProgress) => engine().openData(files, options, onProgress));
  if (!card) return;
  patch('data', { card });
  refreshEstimate();
  await showSome(card, 0);
}

/** A file of rows that are only measured; none goes back to the held-out share. */
export async function openEvaluationFile(files: readonly ModelFile[]): Promise<void> {
  const card = await trackIn('data', 'opening', (onProgress) => engine().openEvalData(files, onProgress));
  if (!card) return;
  patch('data', { card });
  refreshEstimate();
}

const pauseMs = 350;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Takes an option at once and reads the data again when the hand has rested. */
export function setDataOption<Name extends keyof DataOptions>(name: Name, value: DataOptions[Name]): void {
  const { options, card } = useStudio.getState().data;
  patch('data', { options: { ...options, [name]: value } });
  refreshEstimate();
  clearTimeout(timer);
  if (card) timer = setTimeout(() => void reopenData(), pauseMs);
}

/** Reads at once what would wait for the hand to rest, for work that needs the rows under the options of now. */
export async function settleData(): Promise<void> {
  if (timer !== undefined) await reopenData();
}

/** The same files under the options of now, or with another model's tokens. */
export async function reopenData(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  const { options, rowIndex } = useStudio.getState().data;
  const card = await trackIn('data', 'opening', (onProgress) => engine().reopenData(options, onProgress));
  if (!card) return refreshEstimate(); // which says why nothing can start
  patch('data', { card });
  refreshEstimate();
  await showSome(card, Math.min(rowIndex, Math.max(0, rowsInFile(card) - 1)));
}

/** The row that is looked at, or the first images. */
export function showSome(card: DataCard, index: number): Promise<void> {
  return card.taskType === 'IMAGE_CLS' ? showImages(null) : showRow(index);
}

/** Images on screen at a time. */
export const shownImages = 24;

/** The first images of one label, or of all in turn. */
export async function showImages(imageLabel: string | null): Promise<void> {
  patch('data', { imageLabel, row: null, rowError: null });
  try {
    const images = await engine().dataImages(shownImages, imageLabel ?? undefined);
    if (useStudio.getState().data.imageLabel === imageLabel) patch('data', { images });
  } catch (thrown) {
    patch('data', { images: [], rowError: toEngineError(thrown) });
  }
}

export async function showRow(index: number): Promise<void> {
  patch('data', { rowIndex: index, rowError: null });
  try {
    const row = await engine().dataRow(index);
    if (useStudio.getState().data.rowIndex === index) patch('data', { row });
  } catch (thrown) {
    patch('data', { row: null, rowError: toEngineError(thrown) });
  }
}
