import type { EngineError, OnProgress, Progress } from '../../engine/api.ts';
import { toEngineError } from '../../engine/client.ts';

/** Something the engine does for the person: under way, how far, and what went wrong. */
export interface Job {
  readonly busy: boolean;
  readonly progress: Progress | null;
  readonly error: EngineError | null;
}

export const idleJob: Job = { busy: false, progress: null, error: null };

/** Runs `work` and tells `set` of every change. Returns undefined where it failed; the error is then in the job. */
export async function track<T>(
  set: (job: Job) => void,
  work: (onProgress: OnProgress) => Promise<T>,
): Promise<T | undefined> {
  let running = true;
  set({ busy: true, progress: null, error: null });
  try {
    // Progress may arrive after the end, since it crosses a worker.
    return await work((progress) => running && set({ busy: true, progress, error: null }));
  } catch (thrown) {
    running = false;
    const error = toEngineError(thrown);
    set({ ...idleJob, error: error.code === 'cancelled' ? null : error });
    return undefined;
  } finally {
    if (running) {
      running = false;
      set(idleJob);
    }
  }
}
