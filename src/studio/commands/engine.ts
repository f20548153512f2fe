import type { Engine, OnProgress } from '../../engine/api.ts';
import type { EngineConnection } from '../../engine/client.ts';
import { track } from '../state/job.ts';
import { patch, useStudio } from '../state/store.ts';
import type { StudioState } from '../state/store.ts';

let connected: Engine | undefined;

/** Gives the commands their engine; a lost engine is shown once and for all. */
export function attachEngine({ engine, lost }: EngineConnection): void {
  connected = engine;
  void lost.then((error) => patch('machine', { lost: error }));
}

export function engine(): Engine {
  if (!connected) throw new Error('The studio asked for the engine before it was connected.');
  return connected;
}

/** the jobs of each slice */
interface Jobs {
  readonly model: 'opening' | 'keeping';
  readonly data: 'opening';
  readonly quantise: 'comparing' | 'measuring' | 'keeping';
}

/** Runs engine work as the job `name` of a slice; undefined where it failed. */
export function trackIn<Slice extends keyof Jobs, T>(
  slice: Slice,
  name: Jobs[Slice],
  work: (onProgress: OnProgress) => Promise<T>,
): Promise<T | undefined> {
  return track((job) => patch(slice, { [name]: job } as Partial<StudioState[Slice]>), work);
}

let toastCount = 0;

export function showToast(text: string, isError = false): void {
  const id = ++toastCount;
  const { toasts } = useStudio.getState().machine;
  patch('machine', { toasts: [...toasts, { id, text, isError }] });
  setTimeout(() => dismissToast(id), isError ? 12_000 : 5_000);
}

export function dismissToast(id: number): void {
  const { toasts } = useStudio.getState().machine;
  patch('machine', { toasts: toasts.filter((toast) => toast.id !== id) });
}
