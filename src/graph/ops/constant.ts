import type { OpDefinition } from '../op.ts';
import { sizeOf, type OpNode } from '../tensor.ts';
import { numberAttribute, numbersAttribute } from './attributes.ts';
import { outputOf } from './operands.ts';
import { elementGrid, elementPieces, part } from './pieces.ts';

/**
 * y = value everywhere, or, with attribute `diagonal`, value · 1 in each square matrix [..., n, n]. Attributes: shape, value. No operands.
 */
export const constant: OpDefinition = {
  name: 'constant',

  infer(_, attributes) {
    const shape = numbersAttribute('constant', attributes, 'shape');
    numberAttribute('constant', attributes, 'value');
    if (attributes['diagonal'] === true && shape.at(-1) !== shape.at(-2))
      throw new Error(`constant wants square matrices for a diagonal, got [${shape.join(', ')}]`);
    return [{ shape, dtype: 'f32' }];
  },

  reference(_, node) {
    const { value, size } = settings(node);
    const isOnDiagonal = (i: number) => (i % (size * size)) % (size + 1) === 0;
    return [
      Float64Array.from({ length: sizeOf(outputOf(node, 0).shape) }, (_, i) =>
        size === 0 || isOnDiagonal(i) ? value : 0,
      ),
    ];
  },

  lower(node, context) {
    const y = outputOf(node, 0);
    const { value, size } = settings(node);
    return elementPieces(sizeOf(y.shape), context).map((piece) => ({
      kernel: { module: 'movement/constant' },
      params: [piece.count, piece.start, size, { f: value }],
      bindings: { 1: part(y, piece) },
      grid: elementGrid(piece.count),
      flops: piece.count,
    }));
  },
};

/** `size` is 0 where every element takes the value. */
function settings(node: OpNode): { value: number; size: number } {
  const value = numberAttribute('constant', node.attributes, 'value');
  return { value, size: node.attributes['diagonal'] === true ? (outputOf(node, 0).shape.at(-1) ?? 1) : 0 };
}
