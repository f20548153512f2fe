import type { OpDefinition } from '../op.ts';
import { sizeOf, type OpNode, type Shape } from '../tensor.ts';
import { numberAttribute } from './attributes.ts';
import { inputOf, operand, requireShape, valuesOf } from './operands.ts';

/**
 * scores[offset + k] ← the mean sensitivity of the numbers of rank k (attribute `adds`: added to what is there), from smoothed |p · ∇| and
 * its smoothed uncertainty: see the kernel. Operands: the states p and ∇ [rows, columns], importance and uncertainty of that shape, scores,
 * and control u32 [4] (rankControl.ts), whose first word 0 leaves everything as it is. Attributes: axis, which of the two dimensions
 * counts the ranks; offset; beta1; beta2.
 */
export const rankScores: OpDefinition = {
  name: 'rankScores',
  writes: [2, 3, 4],

  infer(inputs) {
    const { shape } = operand('rankScores', inputs, 0);
    for (const [what, index] of [
      ['the gradient', 1],
      ['the importance', 2],
      ['the uncertainty', 3],
    ] as const)
      requireShape('rankScores', what, operand('rankScores', inputs, index).shape, shape);
    operand('rankScores', inputs, 4);
    requireShape('rankScores', 'the control', operand('rankScores', inputs, 5).shape, [4]);
    return [];
  },

  reference(inputs, node) {
    const [parameter, gradient] = [valuesOf(inputs, 0), valuesOf(inputs, 1)];
    const [importance, uncertainty] = [Float64Array.from(valuesOf(inputs, 2)), Float64Array.from(valuesOf(inputs, 3))];
    const scores = Float64Array.from(valuesOf(inputs, 4));
    const { ranks, numbers, rankStride, stride, offset, adds, beta1, beta2 } = settings(node);
    if (inputs[5]?.[0] !== 1) return [importance, uncertainty, scores];
    for (let rank = 0; rank < ranks; rank++) {
      let sum = 0;
      for (let e = 0; e < numbers; e++) {
        const i = rank * rankStride + e * stride;
        const now = Math.abs((parameter[i] ?? NaN) * (gradient[i] ?? NaN));
        const smooth = beta1 * (importance[i] ?? NaN) + (1 - beta1) * now;
        const unsure = beta2 * (uncertainty[i] ?? NaN) + (1 - beta2) * Math.abs(now - smooth);
        importance[i] = smooth;
        uncertainty[i] = unsure;
        sum += smooth * unsure;
      }
      scores[offset + rank] = sum / numbers + (adds ? (scores[offset + rank] ?? NaN) : 0);
    }
    return [importance, uncertainty, scores];
  },

  lower(node) {
    const { ranks, numbers, rankStride, stride, offset, adds, beta1, beta2 } = settings(node);
    const bind = (index: number) => ({ tensor: inputOf(node, index) });
    return [
      {
        kernel: { module: 'adaptive/rank_scores' },
        params: [numbers, rankStride, stride, offset, adds ? 1 : 0, { f: beta1 }, { f: beta2 }],
        bindings: { 1: bind(0), 2: bind(1), 3: bind(2), 4: bind(3), 5: bind(4), 6: bind(5) },
        grid: [ranks, 1, 1],
        flops: 12 * sizeOf(inputOf(node, 0).shape),
      },
    ];
  },
};

function settings(node: OpNode) {
  const { shape } = inputOf(node, 0);
  const number = (name: string) => numberAttribute('rankScores', node.attributes, name);
  return {
    ...strides(shape, number('axis')),
    offset: number('offset'),
    adds: node.attributes['adds'] === true,
    beta1: number('beta1'),
    beta2: number('beta2'),
  };
}

function strides([rows = 1, columns = 1]: Shape, axis: number) {
  return axis === 0
    ? { ranks: rows, numbers: columns, rankStride: columns, stride: 1 }
    : { ranks: columns, numbers: rows, rankStride: 1, stride: columns };
}
