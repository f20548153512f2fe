import type { OpDefinition, Values } from '../op.ts';
import { sizeOf, type Shape } from '../tensor.ts';
import { workgroupGrid } from './grid.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { rowPieces, rowsPart } from './pieces.ts';

const largestBlock = 256;

/**
 * y = x⁻¹ for each square block of x [..., b, b], b ≤ 256, with partial pivoting. Works in x's storage. To solve x·z = w, multiply w by it:
 * the blocks are small and well conditioned (Cayley transforms of OFT and BOFT). Gradient: dx = −yᵀ·dy·yᵀ.
 */
export const blockInverse: OpDefinition = {
  name: 'blockInverse',
  inPlace: { input: 0 },

  infer(inputs) {
    const x = operand('blockInverse', inputs, 0);
    const size = blockSize(x.shape);
    if (x.shape.at(-2) !== size || size > largestBlock)
      throw new Error(`blockInverse wants square blocks of at most ${largestBlock}, got [${x.shape.join(', ')}]`);
    return [x];
  },

  reference(inputs, node) {
    const x = valuesOf(inputs, 0);
    const size = blockSize(inputOf(node, 0).shape);
    const y = new Float64Array(x.length);
    for (let start = 0; start < x.length; start += size * size)
      y.set(inverse(x.subarray(start, start + size * size), size), start);
    return [y];
  },

  gradient(graph, node, [dy]) {
    if (!dy) return [];
    const y = outputOf(node, 0);
    const left = graph.one('matmul', [y, dy], { layout: 'tn' });
    return [graph.one('matmul', [left, y], { layout: 'nt', alpha: -1 })];
  },

  lower(node, context) {
    const y = outputOf(node, 0);
    const size = blockSize(y.shape);
    const block = size * size;
    return rowPieces(sizeOf(y.shape) / block, block, context, 2 * size).map((piece) => ({
      kernel: { module: 'linalg/block_inverse' },
      params: [piece.count, size],
      bindings: { 1: rowsPart(y, piece, block) },
      grid: workgroupGrid(piece.count),
      flops: 2 * piece.count * size ** 3,
    }));
  },
};

function blockSize(shape: Shape): number {
  return shape.at(-1) ?? 1;
}

/** Gauss–Jordan elimination on [x | 1] with partial pivoting. */
function inverse(x: Values, size: number): Float64Array {
  const rows = Array.from({ length: size }, (_, i) =>
    Float64Array.from({ length: 2 * size }, (_, j) => (j < size ? (x[i * size + j] ?? 0) : j - size === i ? 1 : 0)),
  );
  const entry = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let k = 0; k < size; k++) {
    let best = k;
    for (let i = k + 1; i < size; i++) if (Math.abs(entry(i, k)) > Math.abs(entry(best, k))) best = i;
    const pivot = entry(best, k);
    const chosen = (rows[best] ?? new Float64Array()).map((value) => value / pivot);
    rows[best] = rows[k] ?? chosen;
    rows[k] = chosen;
    rows.forEach((row, i) => {
      const multiplier = row[k] ?? 0;
      if (i !== k) rows[i] = row.map((value, j) => value - multiplier * (chosen[j] ?? 0));
    });
  }
  return Float64Array.from(rows.flatMap((row) => [...row.subarray(size)]));
}
