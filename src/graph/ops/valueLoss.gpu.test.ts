import { describe, it } from 'vitest';
import { checkForward, noise, useGpu, type Operand } from '../../../tests/ops/harness.ts';

const f32 = (shape: number[], values?: number[]): Operand => ({ kind: 'f32', shape, ...(values && { values }) });

describe('valueLoss', () => {
  const context = useGpu();
  const step = { inverseTargets: 1 / 7 };

  it.each(['squared', 'logistic'])('%s: losses and gradients agree with the reference', async (kind) => {
    for (const [rows, labels] of [
      [1, 1],
      [3, 1],
      [17, 5],
      [300, 3],
    ] as const) {
      const targets = noise(rows * labels, 5).map((x) => (kind === 'logistic' ? Number(x > 0) : 3 * x));
      await checkForward(
        context.gpu,
        'valueLoss',
        [f32([rows, labels]), f32([rows, labels], targets)],
        { kind },
        { step },
      );
    }
  });

  it('the logistic loss of large logits is finite and exact, and rows may be split', async () => {
    const logits = [88, -88, 500, -500, 0, 30];
    const operands = [f32([2, 3], logits), f32([2, 3], [1, 0, 0, 1, 1, 0])];
    await checkForward(context.gpu, 'valueLoss', operands, { kind: 'logistic' }, { step, flopsPerDispatch: 90 });
  });
});
