import { describe, expect, it } from 'vitest';
import { checkForward, checkGradient, useGpu } from '../../../tests/ops/harness.ts';

const context = useGpu();
const x = { kind: 'f32', shape: [37, 41] } as const;
const step = { seed: 0xdeadbeef, step: 17, microBatch: 3 };

describe('dropout', () => {
  it.each([0, 0.05, 0.5, 0.9])('draws the same mask as the reference at p = %s', async (probability) => {
    await checkForward(context.gpu, 'dropout', [x], { probability, site: 5 }, { step, tolerance: 1e-6 });
  });

  it('draws the same mask when it is split', async () => {
    await checkForward(
      context.gpu,
      'dropout',
      [x],
      { probability: 0.3, site: 1 },
      { step, bindingLimit: 512, tolerance: 1e-6 },
    );
  });

  it('differentiates by its own mask', () => {
    checkGradient('dropout', [x], { probability: 0.4, site: 2 }, { step });
  });

  it('refuses a probability that keeps nothing', async () => {
    await expect(checkForward(context.gpu, 'dropout', [x], { probability: 1, site: 0 })).rejects.toThrow('[0, 1)');
  });
});
