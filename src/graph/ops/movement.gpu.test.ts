import { describe, expect, it } from 'vitest';
import { checkForward, checkGradient, useGpu } from '../../../tests/ops/harness.ts';
import type { Shape } from '../tensor.ts';

const context = useGpu();
const f32 = (shape: Shape) => ({ kind: 'f32', shape }) as const;
const exact = { tolerance: 0 };
const split = { tolerance: 0, bindingLimit: 1024 };

describe('transpose', () => {
  const cases: [Shape, number[]][] = [
    [[1], [0]],
    [
      [67, 129],
      [1, 0],
    ],
    [
      [2, 5, 3, 7],
      [0, 2, 1, 3],
    ],
    [
      [2, 5, 3, 7],
      [3, 1, 0, 2],
    ],
    [
      [2, 3, 2, 3, 2, 3],
      [5, 0, 4, 1, 3, 2],
    ],
    [
      [1, 8, 1, 8],
      [2, 3, 0, 1],
    ],
  ];
  it.each(cases)('%j by %j', async (shape, permutation) => {
    await checkForward(context.gpu, 'transpose', [f32(shape)], { permutation }, exact);
    await checkForward(context.gpu, 'transpose', [f32(shape)], { permutation }, split);
    checkGradient('transpose', [f32(shape)], { permutation });
  });

  it('moves u32 as it is', async () => {
    const ids = { kind: 'u32', shape: [2, 3], values: [1, 2, 3, 0xffffffff, 5, 6] } as const;
    await checkForward(context.gpu, 'transpose', [ids], { permutation: [1, 0] }, exact);
  });
});

describe('slice and pad', () => {
  const cases: [Shape, number, number, number][] = [
    [[7], 0, 6, 1],
    [[33, 65], 0, 5, 17],
    [[33, 65], 1, 64, 1],
    [[3, 11, 5, 2], 1, 2, 9],
  ];
  it.each(cases)('%j along axis %s from %s on', async (shape, axis, start, size) => {
    const part = f32(shape.with(axis, size));
    const whole = { axis, start, size: shape[axis] };
    for (const options of [exact, split]) {
      await checkForward(context.gpu, 'slice', [f32(shape)], { axis, start, size }, options);
      await checkForward(context.gpu, 'pad', [part], whole, options);
    }
    checkGradient('slice', [f32(shape)], { axis, start, size });
    checkGradient('pad', [part], whole);
  });

  it('refuses a range beyond the end', async () => {
    await expect(checkForward(context.gpu, 'slice', [f32([4])], { axis: 0, start: 2, size: 3 })).rejects.toThrow(
      'slice cannot take',
    );
    await expect(checkForward(context.gpu, 'pad', [f32([4])], { axis: 0, start: 2, size: 5 })).rejects.toThrow(
      'pad cannot put',
    );
  });
});

describe('concat', () => {
  it.each([0, 1, 2])('along axis %s', async (axis) => {
    const operands = [1, 4, 7].map((size) => f32([5, 3, 13].with(axis, size)));
    await checkForward(context.gpu, 'concat', operands, { axis }, exact);
    await checkForward(context.gpu, 'concat', operands, { axis }, split);
    checkGradient('concat', operands, { axis });
  });

  it('refuses operands that differ elsewhere', async () => {
    await expect(checkForward(context.gpu, 'concat', [f32([2, 3]), f32([2, 4])], { axis: 0 })).rejects.toThrow(
      'concat cannot put',
    );
  });
});

describe('unfold and fold', () => {
  it.each([
    [[1, 1, 2, 2], 1],
    [[2, 3, 8, 12], 4],
    [[2, 3, 11, 7], 3],
  ] as [Shape, number][])('%j in patches of %s', async (shape, patchSize) => {
    const [batch = 1, channels = 1, height = 1, width = 1] = shape;
    const patches = f32([
      batch,
      Math.floor(height / patchSize) * Math.floor(width / patchSize),
      channels * patchSize ** 2,
    ]);
    for (const options of [exact, split]) {
      await checkForward(context.gpu, 'unfold', [f32(shape)], { patchSize }, options);
      await checkForward(context.gpu, 'fold', [patches], { patchSize, shape }, options);
    }
    checkGradient('unfold', [f32(shape)], { patchSize });
    checkGradient('fold', [patches], { patchSize, shape });
  });
});
