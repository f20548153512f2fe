import { describe, it } from 'vitest';
import { checkForward, checkGradient, useGpu } from '../../../tests/ops/harness.ts';

const context = useGpu();
const triangles = (count: number, size: number) => ({ kind: 'f32', shape: [count, (size * (size - 1)) / 2] }) as const;
const matrices = (count: number, size: number) => ({ kind: 'f32', shape: [count, size, size] }) as const;

describe('skew and unskew', () => {
  it.each([
    [1, 2],
    [5, 7],
    [3, 32],
  ])('%i matrices of %i rows', async (count, size) => {
    await checkForward(context.gpu, 'skew', [triangles(count, size)], {}, { tolerance: 0 });
    await checkForward(context.gpu, 'skew', [triangles(count, size)], {}, { tolerance: 0, flopsPerDispatch: 128 });
    await checkForward(context.gpu, 'unskew', [matrices(count, size)], {}, { tolerance: 1e-6 });
  });

  it('have the gradients of differences', () => {
    checkGradient('skew', [triangles(3, 5)]);
    checkGradient('unskew', [matrices(3, 5)]);
  });
});
