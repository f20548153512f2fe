import type { OpDefinition } from '../op.ts';
import { checkNorm, lowerNorm, normGradient, referenceNorm } from './norm.ts';
import { inputOf, valuesOf } from './operands.ts';

const kind = { op: 'rmsNorm', centered: false } as const;

/**
 * y = x·rsqrt(mean(x²) + ε)·w over the last dimension. Inputs: x [..., H], weight f32 [H]. Attribute `epsilon`.
 * Zhang & Sennrich, "Root mean square layer normalization" (2019).
 */
export const rmsNorm: OpDefinition = {
  name: 'rmsNorm',
  infer(inputs) {
    return [{ shape: checkNorm('rmsNorm', inputs, { 1: 'weight' }).shape, dtype: 'f32' }];
  },
  reference(inputs, node) {
    return [referenceNorm(kind, node, valuesOf(inputs, 0), valuesOf(inputs, 1))];
  },
  gradient(graph, node, [dy], needs) {
    return normGradient(graph, node, dy, needs);
  },
  lower(node, context) {
    return lowerNorm(kind, node, { x: inputOf(node, 0), weight: inputOf(node, 1) }, context);
  },
};
