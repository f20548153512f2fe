import type { OpDefinition } from '../op.ts';
import { sizeOf } from '../tensor.ts';
import { lowerBinary } from './binary.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';

/** state ← state + value. Operands: value, and a state of as many elements; the result is the state. Adds a gradient into the gradient space. */
export const accumulate: OpDefinition = {
  name: 'accumulate',
  inPlace: { input: 1, always: true },

  infer(inputs) {
    const value = operand('accumulate', inputs, 0);
    const state = operand('accumulate', inputs, 1);
    if (sizeOf(value.shape) !== sizeOf(state.shape))
      throw new Error(`accumulate cannot add [${value.shape.join(', ')}] to a state [${state.shape.join(', ')}]`);
    return [state];
  },

  reference(inputs) {
    const value = valuesOf(inputs, 0);
    return [Float64Array.from(valuesOf(inputs, 1), (sum, i) => sum + (value[i] ?? NaN))];
  },

  lower(node, context) {
    return lowerBinary('add', undefined, inputOf(node, 0), outputOf(node, 0), context);
  },
};
