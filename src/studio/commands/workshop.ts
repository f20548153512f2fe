import type { BlendOptions, CombinationDescription, ConvertedAdapter, KeptRank } from '../../engine/api.ts';
import type { Job } from '../state/job.ts';
import { track } from '../state/job.ts';
import { engine, showToast } from './engine.ts';
import { refreshLibrary } from './library.ts';
import { refreshStorage } from './storage.ts';

export function loadCombinations(): Promise<readonly CombinationDescription[]> {
  return engine().combinations();
}

/** One adapter of several; resolves to whether it is there. */
export async function blendAdapters(
  parts: readonly { readonly id: string; readonly weight: number }[],
  options: BlendOptions,
  onJob: (job: Job) => void,
): Promise<boolean> {
  const [ids, weights] = [parts.map(({ id }) => id), parts.map(({ weight }) => weight)];
  const made = await track(onJob, (onProgress) => engine().blendAdapters(ids, weights, options, onProgress));
  if (!made) return false;
  showToast(`${made.name} is in the library.`);
  await Promise.all([refreshLibrary(), refreshStorage()]);
  return true;
}

/** A LoRA in place of another adapter of the open model; undefined where it failed. */
export async function convertToLora(
  id: string,
  kept: KeptRank,
  onJob: (job: Job) => void,
): Promise<ConvertedAdapter | undefined> {
  const made = await track(onJob, (onProgress) => engine().convertToLora(id, kept, onProgress));
  if (made) await Promise.all([refreshLibrary(), refreshStorage()]);
  return made;
}
