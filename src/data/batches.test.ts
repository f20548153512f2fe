import { describe, expect, it } from 'vitest';
import { planBatches } from './batches.ts';
import { permutation } from './randomNumbers.ts';
import { splitRows } from './split.ts';

const base = { rows: 11, batchSize: 2, gradientAccumulationSteps: 4, shuffle: false, seed: 3 };

describe('batches', () => {
  it("are Trainer's: the last step of an epoch holds what is left, and no step reaches into the next", () => {
    const plan = planBatches(base);
    expect(plan.stepsPerEpoch).toBe(2);
    expect(plan.microBatches(0)).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7],
    ]);
    expect(plan.microBatches(1)).toEqual([[8, 9], [10]]);
    expect(plan.microBatches(2)).toEqual(plan.microBatches(0));
  });

  it('take every row once an epoch, in another order each epoch and with each seed', () => {
    const plan = planBatches({ ...base, rows: 101, shuffle: true });
    const epoch = (number: number): number[] =>
      Array.from({ length: plan.stepsPerEpoch }, (_, i) =>
        plan.microBatches(number * plan.stepsPerEpoch + i).flat(),
      ).flat();
    const inOrder = Array.from({ length: 101 }, (_, i) => i);
    for (const number of [0, 1, 2]) expect([...epoch(number)].sort((a, b) => a - b)).toEqual(inOrder);
    expect(epoch(0)).not.toEqual(epoch(1));
    expect(epoch(0)).not.toEqual(inOrder);
    const other = planBatches({ ...base, rows: 101, shuffle: true, seed: 4 });
    expect(other.microBatches(0)).not.toEqual(plan.microBatches(0));
  });

  it('are the same for a run that resumes at any step', () => {
    const options = { ...base, rows: 37, shuffle: true };
    const running = planBatches(options);
    const steps = Array.from({ length: 20 }, (_, step) => running.microBatches(step));
    for (const step of [17, 3, 0]) expect(planBatches(options).microBatches(step)).toEqual(steps[step]);
  });
});

describe('permutations', () => {
  it('put every element everywhere about as often', () => {
    const counts = Array.from({ length: 5 }, () => new Array<number>(5).fill(0));
    for (let stream = 0; stream < 5000; stream++)
      permutation(5, 42, stream).forEach((row, at) => (counts[at]![row]! += 1));
    // 1000 expected in each of 25 cells, standard deviation 28
    for (const count of counts.flat()) expect(Math.abs(count - 1000)).toBeLessThan(140);
  });

  it('stay as they are from release to release, so that runs can be repeated', () => {
    expect([...permutation(10, 7, 0)]).toEqual([4, 7, 6, 5, 3, 9, 1, 2, 8, 0]);
  });
});

describe('a split', () => {
  const rows = Array.from({ length: 40 }, (_, i) => i);

  it('parts the rows by ratio and seed, each part in file order', () => {
    const { train, evaluation } = splitRows(rows, 0.25, 1);
    expect(evaluation).toHaveLength(10);
    expect([...train, ...evaluation].sort((a, b) => a - b)).toEqual(rows);
    expect(evaluation).toEqual([...evaluation].sort((a, b) => a - b));
    expect(splitRows(rows, 0.25, 1)).toEqual({ train, evaluation });
    expect(splitRows(rows, 0.25, 2).evaluation).not.toEqual(evaluation);
  });

  it('sets at least one row aside, none at 0, and never all', () => {
    expect(splitRows(rows, 0.001, 1).evaluation).toHaveLength(1);
    expect(splitRows(rows, 0, 1).evaluation).toEqual([]);
    expect(() => splitRows([1], 0.5, 1)).toThrow('none to train on');
    expect(() => splitRows(rows, 1, 1)).toThrow('val_split_ratio');
  });
});
