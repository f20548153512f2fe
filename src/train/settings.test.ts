import { describe, expect, it } from 'vitest';
import { stepsPerEpoch, totalSteps, warmupSteps, type TrainingSettings } from './settings.ts';

const settings = (changed: Partial<TrainingSettings>): TrainingSettings => ({
  batchSize: 1,
  gradientAccumulationSteps: 1,
  numTrainEpochs: 3,
  maxSteps: 0,
  learningRate: 1e-4,
  lrSchedulerType: 'linear',
  warmupSteps: 0,
  warmupRatio: 0,
  weightDecay: 0,
  maxGradNorm: 1,
  seed: 0,
  shuffle: true,
  gradientCheckpointing: false,
  evalSteps: 0,
  saveSteps: 0,
  loggingSteps: 1,
  ...changed,
});

describe('steps of a run', () => {
  it('counts a short last batch and a short last step, as Transformers does', () => {
    const of = (rows: number, batchSize: number, gradientAccumulationSteps: number) =>
      stepsPerEpoch(rows, { batchSize, gradientAccumulationSteps });
    expect([of(8, 2, 2), of(7, 2, 2), of(9, 2, 2), of(1, 8, 4)]).toEqual([2, 2, 3, 1]);
  });

  it('takes max_steps where it is given, else the epochs, of which the last may be a part', () => {
    expect(totalSteps(10, settings({ numTrainEpochs: 3 }))).toBe(30);
    expect(totalSteps(10, settings({ numTrainEpochs: 0.25 }))).toBe(3);
    expect(totalSteps(10, settings({ numTrainEpochs: 3, maxSteps: 4 }))).toBe(4);
  });

  it('warms up by steps where they are given, else by the share of all, rounded up', () => {
    expect(warmupSteps(settings({ warmupRatio: 0.1 }), 25)).toBe(3);
    expect(warmupSteps(settings({ warmupRatio: 0.1, warmupSteps: 2 }), 25)).toBe(2);
    expect(warmupSteps(settings({}), 25)).toBe(0);
  });
});
