import type { OpDefinition } from '../op.ts';
import { sizeOf } from '../tensor.ts';
import { inputOf, operand, outputOf, requireShape, valuesOf } from './operands.ts';

/** [values (any shape), state [1]] → state += Σ values, in a fixed order: the same values give the same bits. */
export const sumInto: OpDefinition = {
  name: 'sumInto',
  inPlace: { input: 1, always: true },
  infer(inputs) {
    operand('sumInto', inputs, 0);
    requireShape('sumInto', 'the state', operand('sumInto', inputs, 1).shape, [1]);
    return [{ shape: [1], dtype: 'f32' }];
  },
  reference(inputs) {
    let total = valuesOf(inputs, 1)[0]!;
    for (const value of valuesOf(inputs, 0)) total += value;
    return [Float64Array.of(total)];
  },
  lower(node) {
    const values = inputOf(node, 0);
    const count = sizeOf(values.shape);
    return [
      {
        kernel: { module: 'loss/sum_into' },
        params: [count],
        bindings: { 1: { tensor: values }, 2: { tensor: outputOf(node, 0) } },
        grid: [1, 1, 1],
        flops: count,
      },
    ];
  },
};
