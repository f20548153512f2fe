import { describe, test } from 'vitest';
import { checkForward, checkGradient, noise, useGpu, type Operand } from '../../../tests/ops/harness.ts';
import { activationNames } from './activationFunctions.ts';

/** Small values, and some so large that exp or tanh would overflow. */
function wide(...shape: number[]): Operand {
  const count = shape.reduce((a, b) => a * b, 1);
  const values = noise(count, 5).map((x, i) => (i % 17 === 3 ? 200 * x : 4 * x));
  return { kind: 'f32', shape, values };
}
const narrow = (...shape: number[]): Operand => ({ kind: 'f32', shape, scale: 3 });

describe('activations', () => {
  const context = useGpu();

  for (const activation of activationNames) {
    test(`${activation}, plain and gated, and their gradients agree with the reference`, async () => {
      await checkForward(context.gpu, 'activation', [wide(7, 43)], { activation });
      await checkForward(context.gpu, 'activationGradient', [wide(7, 43), narrow(7, 43)], { activation });
      await checkForward(context.gpu, 'gatedActivation', [wide(1, 259), narrow(1, 259)], { activation });
      await checkForward(context.gpu, 'gatedActivationGradient', [wide(259), narrow(259), narrow(259)], { activation });
    });

    test(`the gradient rule of ${activation} agrees with finite differences`, () => {
      checkGradient('activation', [narrow(3, 5)], { activation });
      checkGradient('gatedActivation', [narrow(3, 5), narrow(3, 5)], { activation });
    });
  }

  test('tensors beyond the binding limit are taken in ranges', async () => {
    const options = { bindingLimit: 1024 };
    await checkForward(context.gpu, 'activation', [narrow(11, 61)], { activation: 'silu' }, options);
    const operands = [narrow(11, 61), narrow(11, 61), narrow(11, 61)];
    await checkForward(context.gpu, 'gatedActivationGradient', operands, { activation: 'gelu' }, options);
  });
});
