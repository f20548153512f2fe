import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../engine/api.ts';
import { afterEvent, noRun, shareDone } from './runProgress.ts';

function play(...events: (readonly [number, RunEvent])[]) {
  return events.reduce((run, [now, event]) => afterEvent(run, event, now), noRun);
}

const compile = (done: number): RunEvent => ({
  kind: 'progress',
  progress: { phase: 'compile', done, total: 37, unit: 'kernels' },
});

describe('afterEvent', () => {
  it('times a phase from its first word to its last', () => {
    const run = play(
      [1000, { kind: 'status', status: 'preparing' }],
      [2000, compile(1)],
      [3000, compile(12)],
      [4500, compile(37)],
    );
    expect(run.phases).toHaveLength(1);
    expect(run.phases[0]).toMatchObject({ startedAt: 2000, endedAt: 4500, progress: { done: 37 } });
  });

  it('leaves a phase open until it is done or the run goes on', () => {
    const open = play([1000, { kind: 'status', status: 'preparing' }], [2000, compile(12)]);
    expect(open.phases[0]?.endedAt).toBeUndefined();
    expect(afterEvent(open, { kind: 'status', status: 'running' }, 9000).phases[0]?.endedAt).toBe(9000);
  });

  it('keeps the last training loss through an evaluation', () => {
    const run = play(
      [0, { kind: 'metric', point: { step: 5, epoch: 1, loss: 2.5, tokens: 10, time: 1 } }],
      [0, { kind: 'metric', point: { step: 5, epoch: 1, evalLoss: 3, tokens: 10, time: 1 } }],
    );
    expect(run.lastLoss).toBe(2.5);
  });

  it('knows how far the run is', () => {
    expect(shareDone(noRun)).toBe(0);
    expect(shareDone(play([0, { kind: 'pace', step: 30, totalSteps: 120, tokensPerSecond: 1, secondsLeft: 1 }]))).toBe(
      0.25,
    );
  });
});
