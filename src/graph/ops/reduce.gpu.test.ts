import { describe, expect, it } from 'vitest';
import { checkForward, checkGradient, useGpu } from '../../../tests/ops/harness.ts';
import type { Shape } from '../tensor.ts';
import { passLengths } from './reducePasses.ts';

const context = useGpu();
const f32 = (shape: Shape) => ({ kind: 'f32', shape }) as const;

describe('passLengths', () => {
  it('ends at one, and gives no thread more than some 64 elements', () => {
    for (const length of [1, 2, 63, 64, 65, 4096, 4097, 1_000_003]) {
      const lengths = passLengths(length);
      expect(lengths.at(-1)).toBe(1);
      [length, ...lengths].slice(1).forEach((left, i) => {
        expect(Math.ceil(([length, ...lengths][i] ?? 0) / left)).toBeLessThanOrEqual(66);
      });
    }
  });
});

describe('reduce', () => {
  const cases: [Shape, number[]][] = [
    [[1], [0]],
    [[7, 1], [1]],
    [[5, 67], [1]],
    [[131, 6], [0]],
    [[3, 577, 5], [1]],
    [
      [2, 3, 5, 7],
      [1, 2],
    ],
    [
      [70, 71],
      [0, 1],
    ],
    [[9001], [0]],
  ];
  it.each(cases)('sum, mean and max of %j over %j', async (shape, axes) => {
    for (const operator of ['sum', 'mean', 'max'])
      await checkForward(context.gpu, 'reduce', [f32(shape)], { operator, axes });
    checkGradient('reduce', [f32(shape)], { operator: 'sum', axes }, { outputs: [0] });
    checkGradient('reduce', [f32(shape)], { operator: 'mean', axes, keepDims: true }, { outputs: [0] });
  });

  it('gives the same when it is split over slabs or over rows', async () => {
    for (const bindingLimit of [512, 1024, 4096]) {
      await checkForward(context.gpu, 'reduce', [f32([13, 37, 5])], { operator: 'sum', axes: [1] }, { bindingLimit });
      await checkForward(context.gpu, 'reduce', [f32([333, 9])], { operator: 'mean', axes: [0] }, { bindingLimit });
      await checkForward(context.gpu, 'reduce', [f32([333, 9])], { operator: 'max', axes: [0] }, { bindingLimit });
    }
  });

  it('refuses axes that are not neighbours', async () => {
    await expect(
      checkForward(context.gpu, 'reduce', [f32([2, 3, 4])], { operator: 'sum', axes: [0, 2] }),
    ).rejects.toThrow('neighbouring');
  });
});

describe('broadcastTo', () => {
  const cases: [Shape, Shape][] = [
    [[1], [5]],
    [[7], [3, 7]],
    [
      [3, 1],
      [3, 257],
    ],
    [
      [2, 1, 3, 1],
      [2, 5, 3, 7],
    ],
    [
      [5, 1],
      [2, 2, 2, 2, 5, 3],
    ],
  ];
  it.each(cases)('stretches %j to %j', async (from, shape) => {
    await checkForward(context.gpu, 'broadcastTo', [f32(from)], { shape });
    await checkForward(context.gpu, 'broadcastTo', [f32(from)], { shape }, { bindingLimit: 768 });
    checkGradient('broadcastTo', [f32(from)], { shape });
  });
});
