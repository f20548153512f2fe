import { describe, test } from 'vitest';
import { checkForward, useGpu } from '../../../tests/ops/harness.ts';

describe('sumRows', () => {
  const context = useGpu();

  test.each([
    [1, 1],
    [7, 3],
    [5, 13, 70],
    [300, 260],
  ])('sums over the rows of [%s]', async (...shape) => {
    await checkForward(context.gpu, 'sumRows', [{ kind: 'f32', shape }]);
  });

  test('goes on where a tensor is larger than a binding', async () => {
    await checkForward(context.gpu, 'sumRows', [{ kind: 'f32', shape: [200, 20] }], {}, { bindingLimit: 8192 });
  });
});
