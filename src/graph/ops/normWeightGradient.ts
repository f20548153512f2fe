import type { OpDefinition } from '../op.ts';
import { asMatrix, type Shape } from '../tensor.ts';
import { inputOf, operand, outputOf, requireShape, valuesOf } from './operands.ts';

/** rows summed by one invocation before the chunks are added: fixed, because it decides the order of the sum */
const chunkRows = 64;
const workgroupSize = 64;

function geometry(shape: Shape) {
  const matrix = asMatrix(shape);
  return { ...matrix, chunks: Math.ceil(matrix.rows / chunkRows) };
}

/**
 * [x, statistics [rows, 2], dy] → partials [chunks, columns], which sumRows turns into the gradient of a norm's weight:
 * partials[chunk][c] = Σ dy·(x − mean)·rstd over 64 rows.
 */
export const normWeightGradient: OpDefinition = {
  name: 'normWeightGradient',
  infer(inputs) {
    const { shape } = operand('normWeightGradient', inputs, 0);
    const { rows, columns, chunks } = geometry(shape);
    requireShape('normWeightGradient', 'statistics', operand('normWeightGradient', inputs, 1).shape, [rows, 2]);
    requireShape('normWeightGradient', 'dy', operand('normWeightGradient', inputs, 2).shape, shape);
    return [{ shape: [chunks, columns], dtype: 'f32' }];
  },
  reference(inputs, node) {
    const [x, statistics, dy] = [valuesOf(inputs, 0), valuesOf(inputs, 1), valuesOf(inputs, 2)];
    const { columns, chunks } = geometry(inputOf(node, 0).shape);
    const partials = new Float64Array(chunks * columns);
    for (let i = 0; i < x.length; i++) {
      const row = Math.floor(i / columns);
      const normalised = (x[i]! - statistics[row * 2]!) * statistics[row * 2 + 1]!;
      partials[Math.floor(row / chunkRows) * columns + (i % columns)]! += dy[i]! * normalised;
    }
    return [partials];
  },
  lower(node) {
    const { rows, columns, chunks } = geometry(inputOf(node, 0).shape);
    return [
      {
        kernel: { module: 'norm/weight_gradient' },
        params: [rows, columns, chunkRows],
        bindings: {
          1: { tensor: inputOf(node, 0) },
          2: { tensor: inputOf(node, 1) },
          3: { tensor: inputOf(node, 2) },
          4: { tensor: outputOf(node, 0) },
        },
        grid: [Math.ceil(columns / workgroupSize), chunks, 1],
        flops: rows * columns * 4,
      },
    ];
  },
};
