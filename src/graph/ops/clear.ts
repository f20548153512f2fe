import type { OpDefinition } from '../op.ts';
import { sizeOf } from '../tensor.ts';
import { lowerFill } from './fill.ts';
import { operand, outputOf } from './operands.ts';

/** state ← 0. For gradients that a method looked at between the update and the next step. */
export const clear: OpDefinition = {
  name: 'clear',
  inPlace: { input: 0, always: true },

  infer(inputs) {
    return [operand('clear', inputs, 0)];
  },

  reference(_, node) {
    return [new Float64Array(sizeOf(outputOf(node, 0).shape))];
  },

  lower(node, context) {
    return lowerFill(outputOf(node, 0), context);
  },
};
