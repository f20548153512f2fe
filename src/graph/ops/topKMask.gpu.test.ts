import { describe, it } from 'vitest';
import { checkForward, noise, useGpu } from '../../../tests/ops/harness.ts';

const context = useGpu();
const exact = { tolerance: 0 };

describe('topKMask', () => {
  const scores = { kind: 'f32', shape: [300] } as const;

  it.each([0, 1, 17, 299, 300, 1000])('marks the %s largest', async (k) => {
    await checkForward(context.gpu, 'topKMask', [scores], { k }, exact);
    await checkForward(context.gpu, 'topKMask', [scores], { k }, { tolerance: 0, flopsPerDispatch: 30_000 });
  });

  it('takes the first of equal scores', async () => {
    const values = noise(70).map((score) => Math.round(score * 3));
    await checkForward(context.gpu, 'topKMask', [{ kind: 'f32', shape: [70], values }], { k: 31 }, exact);
  });

  it('reads k from an operand', async () => {
    await checkForward(context.gpu, 'topKMask', [scores, { kind: 'u32', shape: [1], values: [12] }], {}, exact);
  });
});
