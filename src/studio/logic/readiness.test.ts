import { describe, expect, it } from 'vitest';
import type { MemoryEstimate } from '../../engine/api.ts';
import { runReadiness } from './readiness.ts';
import type { ReadinessInput } from './readiness.ts';

const ready: ReadinessInput = {
  gpuAvailable: true,
  hasModel: true,
  hasData: true,
  hasMethod: true,
  estimate: null,
  estimateError: null,
  runStatus: 'idle',
};

describe('runReadiness', () => {
  it('asks for what is missing, in the order of the screens', () => {
    const nothing = { ...ready, hasModel: false, hasData: false, hasMethod: false };
    expect(runReadiness(nothing)).toMatchObject({ label: 'Choose a model', action: { kind: 'go', screen: 'model' } });
    expect(runReadiness({ ...nothing, hasModel: true }).label).toBe('Choose a data set');
    expect(runReadiness({ ...ready, hasMethod: false }).label).toBe('Choose a method');
    expect(runReadiness(ready)).toEqual({ label: 'Start training', action: { kind: 'start' } });
  });

  it('says why a model cannot be trained', () => {
    expect(runReadiness({ ...ready, cannotTrain: 'It has no tokenizer.' })).toMatchObject({
      action: { kind: 'go', screen: 'model' },
      note: 'It has no tokenizer.',
    });
  });

  it('shows a wrong setting before it lets a run start', () => {
    const estimateError = { code: 'bad-input', message: 'r must be at least 1.' } as const;
    expect(runReadiness({ ...ready, estimateError })).toMatchObject({
      action: { kind: 'go', screen: 'method' },
      note: 'r must be at least 1.',
    });
  });

  it('warns of a run that is too large, but leaves the choice', () => {
    const estimate = { verdict: 'exceeds' } as MemoryEstimate;
    expect(runReadiness({ ...ready, estimate })).toMatchObject({ label: 'Start anyway', action: { kind: 'start' } });
  });

  it('never starts a second run beside a first', () => {
    for (const runStatus of ['preparing', 'running', 'paused'] as const) {
      expect(runReadiness({ ...ready, runStatus }).action).toEqual({ kind: 'go', screen: 'train' });
    }
  });
});
