import { describe, expect, it } from 'vitest';
import type { OnProgress, Progress } from '../../engine/api.ts';
import { idleJob, track } from './job.ts';
import type { Job } from './job.ts';

const progress: Progress = { phase: 'read', done: 1, total: 2, unit: 'bytes' };

describe('track', () => {
  it('shows progress, then rests', async () => {
    const jobs: Job[] = [];
    const result = await track(
      (job) => jobs.push(job),
      async (onProgress) => {
        onProgress(progress);
        return 7;
      },
    );
    expect(result).toBe(7);
    expect(jobs.map((job) => [job.busy, job.progress])).toEqual([
      [true, null],
      [true, progress],
      [false, null],
    ]);
  });

  it('keeps the error and its code', async () => {
    let last = idleJob;
    const error = { code: 'storage-full', message: 'The disk is full.' } as const;
    expect(
      await track(
        (job) => (last = job),
        () => Promise.reject(error),
      ),
    ).toBeUndefined();
    expect(last).toEqual({ busy: false, progress: null, error });
  });

  it('takes a cancelled job for no error', async () => {
    let last = idleJob;
    await track(
      (job) => (last = job),
      () => Promise.reject({ code: 'cancelled', message: 'Stopped.' }),
    );
    expect(last).toEqual(idleJob);
  });

  it('ignores progress that comes late', async () => {
    let last = idleJob;
    let late: OnProgress | undefined;
    await track(
      (job) => (last = job),
      async (onProgress) => {
        late = onProgress;
      },
    );
    late?.(progress);
    expect(last).toEqual(idleJob);
  });
});
