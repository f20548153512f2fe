import type { OpDefinition } from '../op.ts';
import { sizeOf, type Shape } from '../tensor.ts';
import { flatGrid } from './grid.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { elementPieces, part } from './pieces.ts';

/**
 * y [n, b, b] = the skew-symmetric matrices whose upper triangles, row by row, are v [n, b(b − 1)/2]: torch.triu_indices(b, b, 1) has the
 * order. The gradient of the one op is the other.
 */
export const skew: OpDefinition = {
  name: 'skew',

  infer(inputs) {
    const [count = 0, entries = 0] = operand('skew', inputs, 0).shape;
    const size = (1 + Math.sqrt(1 + 8 * entries)) / 2;
    if (!Number.isInteger(size) || entries === 0) throw new Error(`skew: ${entries} numbers are no upper triangle`);
    return [{ shape: [count, size, size], dtype: 'f32' }];
  },

  reference(inputs, node) {
    const v = valuesOf(inputs, 0);
    const { shape } = outputOf(node, 0);
    const y = new Float64Array(sizeOf(shape));
    forEachPair(shape, (entry, above, below) => {
      y[above] = v[entry] ?? NaN;
      y[below] = -(v[entry] ?? NaN);
    });
    return [y];
  },

  gradient(graph, _, [dy]) {
    return [dy && graph.one('unskew', [dy])];
  },

  lower(node, context) {
    const y = outputOf(node, 0);
    return elementPieces(sizeOf(y.shape), context).map((piece) => ({
      kernel: { module: 'linalg/skew' },
      params: [piece.count, piece.start, y.shape.at(-1) ?? 1],
      bindings: { 1: { tensor: inputOf(node, 0) }, 2: part(y, piece) },
      grid: flatGrid(piece.count),
      flops: piece.count,
    }));
  },
};

/** v [n, b(b − 1)/2], the upper triangles of x − xᵀ for square matrices x [n, b, b]. */
export const unskew: OpDefinition = {
  name: 'unskew',

  infer(inputs) {
    const [count = 0, rows = 0, columns = 0] = operand('unskew', inputs, 0).shape;
    if (rows !== columns || rows < 2) throw new Error(`unskew wants square matrices, got [${rows}, ${columns}]`);
    return [{ shape: [count, (rows * (rows - 1)) / 2], dtype: 'f32' }];
  },

  reference(inputs, node) {
    const x = valuesOf(inputs, 0);
    const v = new Float64Array(sizeOf(outputOf(node, 0).shape));
    forEachPair(inputOf(node, 0).shape, (entry, above, below) => (v[entry] = (x[above] ?? NaN) - (x[below] ?? NaN)));
    return [v];
  },

  gradient(graph, _, [dv]) {
    return [dv && graph.one('skew', [dv])];
  },

  lower(node) {
    const x = inputOf(node, 0);
    const count = sizeOf(x.shape);
    return [
      {
        kernel: { module: 'linalg/unskew' },
        params: [count, x.shape.at(-1) ?? 1],
        bindings: { 1: { tensor: x }, 2: { tensor: outputOf(node, 0) } },
        grid: flatGrid(count),
        flops: count,
      },
    ];
  },
};

/** Calls `visit` with the places of v[n, k], y[n, i, j] and y[n, j, i] for all i < j, in the order of k. */
function forEachPair([count = 0, size = 0]: Shape, visit: (entry: number, above: number, below: number) => void): void {
  let entry = 0;
  for (let block = 0; block < count; block++)
    for (let i = 0; i < size; i++)
      for (let j = i + 1; j < size; j++) {
        const start = block * size * size;
        visit(entry++, start + i * size + j, start + j * size + i);
      }
}
