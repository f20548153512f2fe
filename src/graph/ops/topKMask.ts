import type { OpDefinition } from '../op.ts';
import { sizeOf } from '../tensor.ts';
import { numberAttribute } from './attributes.ts';
import { flatGrid } from './grid.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { elementPieces, part } from './pieces.ts';

/**
 * 1 where a score is among the k largest, else 0; of equal scores the first counts as the larger. Scores f32 [n]; k is attribute `k`, or
 * operand 1, u32 [1], where it changes from step to step. Costs n² comparisons. No gradient: it is a choice.
 */
export const topKMask: OpDefinition = {
  name: 'topKMask',

  infer(inputs, attributes) {
    if (!inputs[1]) numberAttribute('topKMask', attributes, 'k');
    return [operand('topKMask', inputs, 0)];
  },

  reference(inputs, node) {
    const scores = valuesOf(inputs, 0);
    const k = inputs[1]?.[0] ?? numberAttribute('topKMask', node.attributes, 'k');
    const order = [...scores.keys()].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
    const mask = new Float64Array(scores.length);
    for (const i of order.slice(0, k)) mask[i] = 1;
    return [mask];
  },

  lower(node, context) {
    const scores = inputOf(node, 0);
    const mask = outputOf(node, 0);
    const k = node.inputs[1];
    const count = sizeOf(scores.shape);
    return elementPieces(count, context, count).map((piece) => ({
      kernel: { module: 'reduce/top_k_mask' },
      params: [piece.count, piece.start, count, k ? 0 : numberAttribute('topKMask', node.attributes, 'k'), k ? 1 : 0],
      bindings: { 1: { tensor: scores }, 2: part(mask, piece), 3: k && { tensor: k } },
      grid: flatGrid(piece.count),
      flops: piece.count * count,
    }));
  },
};
