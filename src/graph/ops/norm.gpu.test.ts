import { describe, test } from 'vitest';
import { checkForward, checkGradient, useGpu, type Operand } from '../../../tests/ops/harness.ts';

const f32 = (...shape: number[]): Operand => ({ kind: 'f32', shape });
const attributes = { epsilon: 1e-5 };

describe('rmsNorm and layerNorm', () => {
  const context = useGpu();

  const shapes: [leading: number[], size: number][] = [
    [[1], 3],
    [[3, 5, 7], 20],
    [[129], 48],
    [[67], 131],
    [[2, 3], 576],
  ];
  for (const [leading, size] of shapes) {
    test(`[${leading.join(', ')}, ${size}] agrees with the reference, forward and backward`, async () => {
      const x = f32(...leading, size);
      const vector = f32(size);
      await checkForward(context.gpu, 'rmsNorm', [x, vector], attributes);
      await checkForward(context.gpu, 'layerNorm', [x, vector, vector], attributes);
      for (const keepStatistics of [false, true]) {
        const gradientAttributes = { ...attributes, keepStatistics };
        await checkForward(context.gpu, 'rmsNormGradient', [x, vector, x], gradientAttributes);
        await checkForward(context.gpu, 'layerNormGradient', [x, vector, x], gradientAttributes);
      }
      const rows = leading.reduce((a, b) => a * b, 1);
      await checkForward(context.gpu, 'normWeightGradient', [x, f32(rows, 2), x]);
    });
  }

  test('rows beyond the binding limit are taken in ranges', async () => {
    const options = { bindingLimit: 64 * 36 * 4 };
    await checkForward(context.gpu, 'rmsNorm', [f32(150, 36), f32(36)], attributes, options);
    const operands = [f32(150, 36), f32(36), f32(150, 36)];
    await checkForward(context.gpu, 'layerNormGradient', operands, { ...attributes, keepStatistics: true }, options);
  });

  test('the variance of values far from zero keeps its digits', async () => {
    const values = Array.from({ length: 96 }, (_, i) => 1000 + Math.sin(i));
    const x: Operand = { kind: 'f32', shape: [2, 48], values };
    await checkForward(context.gpu, 'layerNorm', [x, f32(48), f32(48)], attributes, { tolerance: 2e-4 });
  });

  test('the gradient rules agree with finite differences', () => {
    checkGradient('rmsNorm', [f32(3, 7), f32(7)], attributes);
    checkGradient('layerNorm', [f32(3, 7), f32(7), f32(7)], attributes);
  });
});
