import type { OpDefinition } from '../op.ts';
import { flatGrid } from './grid.ts';
import { inputOf, operand, outputOf, requireShape, valuesOf } from './operands.ts';

/**
 * [o [B, Tq, nH, hd], do, lse [B, nH, Tq]] → statistics [B, nH, Tq, 2]: each row's lse and delta = Σ do·o,
 * which both gradient kernels of attention read. Dao et al., "FlashAttention" (2022).
 */
export const attentionStatistics: OpDefinition = {
  name: 'attentionStatistics',
  infer(inputs) {
    const { shape } = operand('attentionStatistics', inputs, 0);
    const [batches = 0, queryRows = 0, heads = 0] = shape;
    requireShape('attentionStatistics', 'do', operand('attentionStatistics', inputs, 1).shape, shape);
    requireShape('attentionStatistics', 'lse', operand('attentionStatistics', inputs, 2).shape, [
      batches,
      heads,
      queryRows,
    ]);
    return [{ shape: [batches, heads, queryRows, 2], dtype: 'f32' }];
  },
  reference(inputs, node) {
    const [output, gradient, lse] = [valuesOf(inputs, 0), valuesOf(inputs, 1), valuesOf(inputs, 2)];
    const [, queryRows = 0, heads = 0, headSize = 0] = inputOf(node, 0).shape;
    const statistics = new Float64Array(lse.length * 2);
    for (let row = 0; row < lse.length; row++) {
      const batch = Math.floor(row / (heads * queryRows));
      const i = (batch * heads + (row % heads)) * queryRows + (Math.floor(row / heads) % queryRows);
      statistics[i * 2] = lse[i]!;
      for (let d = row * headSize; d < (row + 1) * headSize; d++) statistics[i * 2 + 1]! += output[d]! * gradient[d]!;
    }
    return [statistics];
  },
  lower(node) {
    const [batches = 0, queryRows = 0, heads = 0, headSize = 0] = inputOf(node, 0).shape;
    const rows = batches * queryRows * heads;
    return [
      {
        kernel: { module: 'attention/statistics' },
        params: [rows, queryRows, heads, headSize],
        bindings: {
          1: { tensor: inputOf(node, 0) },
          2: { tensor: inputOf(node, 1) },
          3: { tensor: inputOf(node, 2) },
          4: { tensor: outputOf(node, 0) },
        },
        grid: flatGrid(rows, 64),
        flops: 2 * rows * headSize,
      },
    ];
  },
};
