import type { OpDefinition } from '../op.ts';
import { cappedScore, dotRows, visiblePairs } from './attentionReference.ts';
import { attentionConditions, attentionPieces, attentionShape, tileDiagonals } from './attentionShape.ts';
import { inputOf, operand, outputOf, requireShape, valuesOf } from './operands.ts';

/**
 * [q, k, v, keyLengths, do, statistics, bias] → diagonals [B, nH, Tq + S − 1], the slopes of the scores added along each diagonal:
 * diagonals[b, h, j − i + Tq − 1] = Σ p_ij (do_i·v_j − delta_i) over the rows i of queries and j of keys, p_ij = exp(s_ij − lse_i).
 * foldDistances makes the gradient of the bias table of it. Attributes and scores s_ij as of attention; statistics from
 * attentionStatistics.
 */
export const attentionDiagonals: OpDefinition = {
  name: 'attentionDiagonals',
  infer(inputs, attributes) {
    const table = operand('attentionDiagonals', inputs, 6);
    const { batches, queryHeads, queryRows, keyRows } = attentionShape('attentionDiagonals', inputs, attributes, table);
    const query = operand('attentionDiagonals', inputs, 0).shape;
    requireShape('attentionDiagonals', 'do', operand('attentionDiagonals', inputs, 4).shape, query);
    const statistics = operand('attentionDiagonals', inputs, 5).shape;
    requireShape('attentionDiagonals', 'statistics', statistics, [batches, queryHeads, queryRows, 2]);
    return [{ shape: [batches, queryHeads, queryRows + keyRows - 1], dtype: 'f32' }];
  },
  reference(inputs, node, step) {
    const shape = attentionShape('attentionDiagonals', node.inputs, node.attributes, node.inputs[6]);
    const [q, k, v, lengths] = [valuesOf(inputs, 0), valuesOf(inputs, 1), valuesOf(inputs, 2), valuesOf(inputs, 3)];
    const [dOutput, statistics] = [valuesOf(inputs, 4), valuesOf(inputs, 5)];
    const { batches, queryHeads, queryRows, keyRows, keyHeads, headSize, scale } = shape;
    const count = queryRows + keyRows - 1;
    const diagonals = new Float64Array(batches * queryHeads * count);
    for (const { statistic, query, key, bias } of visiblePairs(shape, lengths, step, inputs[6])) {
      const capped = cappedScore(shape, scale * dotRows(q, query, k, key, headSize) + bias);
      const weight = Math.exp(capped.score - statistics[statistic * 2]!);
      const slope = capped.slope * (dotRows(dOutput, query, v, key, headSize) - statistics[statistic * 2 + 1]!);
      const i = statistic % queryRows;
      const j = Math.floor(key / (keyHeads * headSize)) % keyRows;
      diagonals[Math.floor(statistic / queryRows) * count + j - i + queryRows - 1]! += weight * slope;
    }
    return [diagonals];
  },
  lower(node, context) {
    const shape = attentionShape('attentionDiagonals', node.inputs, node.attributes, node.inputs[6]);
    const pieces = attentionPieces(shape, tileDiagonals(shape), 4, context.flopsPerDispatch);
    return pieces.map(({ params, grid, flops }) => ({
      kernel: { module: 'attention/diagonals', conditions: attentionConditions(shape) },
      params,
      bindings: {
        1: { tensor: inputOf(node, 0) },
        2: { tensor: inputOf(node, 1) },
        3: { tensor: inputOf(node, 2) },
        4: { tensor: inputOf(node, 3) },
        5: { tensor: inputOf(node, 4) },
        6: { tensor: inputOf(node, 5) },
        7: { tensor: outputOf(node, 0) },
        8: { tensor: inputOf(node, 6) },
      },
      grid,
      flops,
    }));
  },
};
