import type { OpDefinition } from '../op.ts';
import { checkNorm, lowerNorm, normGradient, referenceNorm } from './norm.ts';
import { inputOf, valuesOf } from './operands.ts';

const kind = { op: 'layerNorm', centered: true } as const;

/**
 * y = (x − mean)·rsqrt(var + ε)·w + b over the last dimension. Inputs: x [..., H], weight f32 [H], bias f32 [H]. Attribute `epsilon`.
 * Ba et al., "Layer normalization" (2016).
 */
export const layerNorm: OpDefinition = {
  name: 'layerNorm',
  infer(inputs) {
    return [{ shape: checkNorm('layerNorm', inputs, { 1: 'weight', 2: 'bias' }).shape, dtype: 'f32' }];
  },
  reference(inputs, node) {
    return [referenceNorm(kind, node, valuesOf(inputs, 0), valuesOf(inputs, 1), valuesOf(inputs, 2))];
  },
  gradient(graph, node, [dy], needs) {
    return normGradient(graph, node, dy, needs);
  },
  lower(node, context) {
    const operands = { x: inputOf(node, 0), weight: inputOf(node, 1), bias: inputOf(node, 2) };
    return lowerNorm(kind, node, operands, context);
  },
};
