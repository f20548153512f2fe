import type { OpDefinition } from '../op.ts';
import { sizeOf } from '../tensor.ts';
import { numberAttribute } from './attributes.ts';
import { flatGrid } from './grid.ts';
import { inputOf, operand, requireShape, valuesOf } from './operands.ts';

/**
 * mask ← 0 for the k lowest scores and all that equal the last of them, 1 for the others: torch.kthvalue's threshold as AdaLoRA takes it.
 * Operands: the states scores and mask [n], and control u32 [4] (rankControl.ts): its second word 0 leaves the mask as it is, the fourth is k.
 */
export const rankMask: OpDefinition = {
  name: 'rankMask',
  writes: [1],

  infer(inputs) {
    requireShape('rankMask', 'the mask', operand('rankMask', inputs, 1).shape, operand('rankMask', inputs, 0).shape);
    requireShape('rankMask', 'the control', operand('rankMask', inputs, 2).shape, [4]);
    return [];
  },

  reference(inputs) {
    const [scores, mask, control] = [valuesOf(inputs, 0), valuesOf(inputs, 1), valuesOf(inputs, 2)];
    if (control[1] === 0) return [mask];
    const ascending = Float64Array.from(scores).sort();
    const threshold = ascending[(control[3] ?? 0) - 1] ?? -Infinity;
    return [Float64Array.from(scores, (score) => (score <= threshold ? 0 : 1))];
  },

  lower(node) {
    const count = sizeOf(inputOf(node, 0).shape);
    return [
      {
        kernel: { module: 'adaptive/rank_mask' },
        params: [count],
        bindings: { 1: { tensor: inputOf(node, 0) }, 2: { tensor: inputOf(node, 1) }, 3: { tensor: inputOf(node, 2) } },
        grid: flatGrid(count),
        flops: count * count,
      },
    ];
  },
};

/**
 * y ← 0 where the mask, from attribute `offset` on, is 0. Operands: the state y [n], the state mask, and control u32 [4] (rankControl.ts),
 * whose third word 0 leaves y as it is.
 */
export const applyRankMask: OpDefinition = {
  name: 'applyRankMask',
  writes: [0],

  infer(inputs, attributes) {
    const offset = numberAttribute('applyRankMask', attributes, 'offset');
    const needed = offset + sizeOf(operand('applyRankMask', inputs, 0).shape);
    const mask = sizeOf(operand('applyRankMask', inputs, 1).shape);
    if (needed > mask) throw new Error(`applyRankMask reads ${needed} numbers of a mask of ${mask}`);
    requireShape('applyRankMask', 'the control', operand('applyRankMask', inputs, 2).shape, [4]);
    return [];
  },

  reference(inputs, node) {
    const offset = numberAttribute('applyRankMask', node.attributes, 'offset');
    const [y, mask, control] = [valuesOf(inputs, 0), valuesOf(inputs, 1), valuesOf(inputs, 2)];
    return [Float64Array.from(y, (value, i) => (control[2] === 1 && mask[offset + i] === 0 ? 0 : value))];
  },

  lower(node) {
    const y = inputOf(node, 0);
    const count = sizeOf(y.shape);
    return [
      {
        kernel: { module: 'adaptive/apply_mask' },
        params: [count, numberAttribute('applyRankMask', node.attributes, 'offset')],
        bindings: { 1: { tensor: y }, 2: { tensor: inputOf(node, 1) }, 3: { tensor: inputOf(node, 2) } },
        grid: flatGrid(count),
        flops: count,
      },
    ];
  },
};
