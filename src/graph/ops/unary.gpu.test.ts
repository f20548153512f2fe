import { describe, it } from 'vitest';
import { checkForward, checkGradient, noise, useGpu } from '../../../tests/ops/harness.ts';
import type { UnaryOperator } from './unary.ts';

const context = useGpu();
const wide = noise(300, 3).map((x) => 3 * x);
const angles = noise(300, 3).map((x) => 200 * x);
const positive = noise(300, 4).map((x) => 0.3 + Math.abs(4 * x));
const domains: Record<UnaryOperator, readonly number[]> = {
  exp: wide,
  log: positive,
  sqrt: positive,
  rsqrt: positive,
  square: wide,
  abs: wide,
  sign: wide,
  reciprocal: positive,
  tanh: wide,
  sigmoid: wide,
  relu: wide,
  sin: angles,
  cos: angles,
};

describe('unary', () => {
  it.each(Object.entries(domains))('%s and its gradient', async (operator, values) => {
    const x = { kind: 'f32', shape: [3, 100], values } as const;
    const dy = { kind: 'f32', shape: [3, 100] } as const;
    await checkForward(context.gpu, 'unary', [x], { operator });
    await checkForward(context.gpu, 'unaryGradient', [dy, x], { operator }, { bindingLimit: 512 });
    checkGradient('unary', [x], { operator });
  });

  it('saturates without a NaN', async () => {
    const x = { kind: 'f32', shape: [6], values: [-1000, -90, -20, 20, 90, 1000] } as const;
    for (const operator of ['tanh', 'sigmoid']) await checkForward(context.gpu, 'unary', [x], { operator });
  });
});

describe('scale', () => {
  it('multiplies by its factor', async () => {
    await checkForward(context.gpu, 'scale', [{ kind: 'f32', shape: [1] }], { factor: 3 });
    await checkForward(
      context.gpu,
      'scale',
      [{ kind: 'f32', shape: [7, 191] }],
      { factor: -0.37 },
      { bindingLimit: 768 },
    );
    checkGradient('scale', [{ kind: 'f32', shape: [7, 19] }], { factor: -0.37 });
  });
});

describe('accumulate', () => {
  it('adds a value to a state, also in pieces', async () => {
    const operands = [
      { kind: 'f32', shape: [613] },
      { kind: 'state', shape: [613] },
    ] as const;
    await checkForward(context.gpu, 'accumulate', operands);
    await checkForward(context.gpu, 'accumulate', operands, {}, { bindingLimit: 512 });
  });
});
