import type { OpDefinition } from '../op.ts';
import { sizeOf } from '../tensor.ts';
import { groupBlock, groupWidth } from './adamW.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { elementGrid, elementPieces, part } from './pieces.ts';

/**
 * gradients ← 0 where the group's learning-rate factor is 0: what is frozen at this step has no part in the gradient norm, as in PyTorch,
 * where it has no gradient at all. Operands: the state gradients [n]; groups u32 [⌈n / 64⌉] and rates [groups, 4] of `adamW`.
 */
export const dropFrozen: OpDefinition = {
  name: 'dropFrozen',
  inPlace: { input: 0, always: true },

  infer(inputs) {
    const gradients = operand('dropFrozen', inputs, 0);
    const blocks = sizeOf(operand('dropFrozen', inputs, 1).shape);
    if (blocks !== Math.ceil(sizeOf(gradients.shape) / groupBlock))
      throw new Error(`dropFrozen: ${blocks} blocks cannot group [${gradients.shape.join(', ')}]`);
    operand('dropFrozen', inputs, 2);
    return [gradients];
  },

  reference(inputs) {
    const groups = valuesOf(inputs, 1);
    const rates = valuesOf(inputs, 2);
    const isFrozen = (i: number) => rates[groupWidth * (groups[Math.floor(i / groupBlock)] ?? 0)] === 0;
    return [Float64Array.from(valuesOf(inputs, 0), (gradient, i) => (isFrozen(i) ? 0 : gradient))];
  },

  lower(node, context) {
    const gradients = outputOf(node, 0);
    return elementPieces(sizeOf(gradients.shape), context, 1).map((piece) => ({
      kernel: { module: 'optimizer/dropFrozen' },
      params: [piece.count, piece.start],
      bindings: { 1: part(gradients, piece), 2: { tensor: inputOf(node, 1) }, 3: { tensor: inputOf(node, 2) } },
      grid: elementGrid(piece.count),
      flops: piece.count,
    }));
  },
};
