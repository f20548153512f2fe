import { describe, expect, it } from 'vitest';
import { checkForward, checkGradient, noise, useGpu } from '../../../tests/ops/harness.ts';

const context = useGpu();

/** Blocks I + Q with Q skew-symmetric, as a Cayley transform inverts. */
function cayley(blocks: number, size: number) {
  const values = noise(blocks * size * size, 3).map((_, at, all) => {
    const [block, i, j] = [Math.floor(at / size ** 2), Math.floor(at / size) % size, at % size];
    const of = (a: number, b: number) => all[block * size ** 2 + a * size + b] ?? 0;
    return i === j ? 1 : (i < j ? of(i, j) : -of(j, i)) * 0.5;
  });
  return { kind: 'f32', shape: [blocks, size, size], values } as const;
}

describe('blockInverse', () => {
  it.each([1, 2, 5, 32, 64, 67])('inverts I + Q of size %s', async (size) => {
    await checkForward(context.gpu, 'blockInverse', [cayley(3, size)], {}, { tolerance: 1e-4 });
    if (size < 10) checkGradient('blockInverse', [cayley(3, size)]);
  });

  it('exchanges rows where the diagonal is zero', async () => {
    const values = [0, 2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 3, 5, 0];
    await checkForward(context.gpu, 'blockInverse', [{ kind: 'f32', shape: [4, 4], values }]);
    checkGradient('blockInverse', [{ kind: 'f32', shape: [4, 4], values }]);
  });

  it('inverts many blocks in several dispatches', async () => {
    await checkForward(context.gpu, 'blockInverse', [cayley(37, 8)], {}, { bindingLimit: 1024, tolerance: 1e-4 });
  });

  it('refuses blocks that are not square', async () => {
    await expect(checkForward(context.gpu, 'blockInverse', [{ kind: 'f32', shape: [2, 3] }])).rejects.toThrow('square');
  });
});
