import { describe, test } from 'vitest';
import { checkForward, useGpu, type Operand } from '../../../tests/ops/harness.ts';

const state: Operand = { kind: 'state', shape: [1], values: [2.5] };

describe('sumInto', () => {
  const context = useGpu();

  for (const count of [1, 255, 257, 5003]) {
    test(`adds ${count} values to what the state holds`, async () => {
      await checkForward(context.gpu, 'sumInto', [{ kind: 'f32', shape: [count] }, state]);
    });
  }
});
