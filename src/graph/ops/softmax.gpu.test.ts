import { describe, it } from 'vitest';
import { checkForward, checkGradient, noise, useGpu } from '../../../tests/ops/harness.ts';
import type { Shape } from '../tensor.ts';

const context = useGpu();

describe('softmax', () => {
  it.each([[[1]], [[3, 1]], [[5, 7]], [[2, 9, 67]], [[3, 1031]]] as [Shape][])('over the rows of %j', async (shape) => {
    const x = { kind: 'f32', shape, scale: 6 } as const;
    const dy = { kind: 'f32', shape } as const;
    await checkForward(context.gpu, 'softmax', [x]);
    await checkForward(context.gpu, 'softmax', [x], {}, { flopsPerDispatch: 4096 });
    await checkForward(context.gpu, 'softmaxGradient', [dy, x]);
    checkGradient('softmax', [x]);
  });

  it('stays finite for large scores', async () => {
    const values = noise(20).map((score) => 1e4 * score);
    await checkForward(context.gpu, 'softmax', [{ kind: 'f32', shape: [2, 10], values }]);
  });
});
