import { describe, it } from 'vitest';
import { checkForward, useGpu } from '../../../tests/ops/harness.ts';

const context = useGpu();

describe('constant', () => {
  it.each([
    { shape: [1], value: 0.3 },
    { shape: [7, 301], value: -2 },
    { shape: [1, 1], value: 4, diagonal: true },
    { shape: [3, 17, 17], value: -1, diagonal: true },
  ])('$shape of $value, diagonal: $diagonal', async (attributes) => {
    await checkForward(context.gpu, 'constant', [], attributes, { tolerance: 1e-7 });
    await checkForward(context.gpu, 'constant', [], attributes, { tolerance: 1e-7, flopsPerDispatch: 128 });
  });
});
