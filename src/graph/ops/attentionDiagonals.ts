import type { OpDefinition } from '../op.ts';
import { gradientDispatches, gradientShape, slopedPairs } from './attentionGradient.ts';
import { tileDiagonals } from './attentionShape.ts';
import { operand, outputOf } from './operands.ts';

/**
 * [q, k, v, keyLengths, do, statistics, bias] → diagonals [B, nH, Tq + S − 1], the slopes of the scores added along each diagonal:
 * diagonals[b, h, j − i + Tq − 1] = Σ p_ij (do_i·v_j − delta_i) over the rows i of queries and j of keys, p_ij = exp(s_ij − lse_i).
 * foldDistances makes the gradient of the bias table of it. Attributes and scores s_ij as of attention; statistics from
 * attentionStatistics.
 */
export const attentionDiagonals: OpDefinition = {
  name: 'attentionDiagonals',
  infer(inputs, attributes) {
    operand('attentionDiagonals', inputs, 6);
    const { batches, queryHeads, queryRows, keyRows } = gradientShape('attentionDiagonals', inputs, attributes);
    return [{ shape: [batches, queryHeads, queryRows + keyRows - 1], dtype: 'f32' }];
  },
  reference(inputs, node, step) {
    const shape = gradientShape('attentionDiagonals', node.inputs, node.attributes);
    const { batches, queryHeads, queryRows, keyRows, keyHeads, headSize } = shape;
    const count = queryRows + keyRows - 1;
    const diagonals = new Float64Array(batches * queryHeads * count);
    for (const { statistic, key, slope } of slopedPairs(shape, inputs, step)) {
      const i = statistic % queryRows;
      const j = Math.floor(key / (keyHeads * headSize)) % keyRows;
      diagonals[Math.floor(statistic / queryRows) * count + j - i + queryRows - 1]! += slope;
    }
    return [diagonals];
  },
  lower(node, context) {
    const work = { tiling: tileDiagonals, flopsPerPair: 4 };
    return gradientDispatches('attention/diagonals', node, work, { 7: { tensor: outputOf(node, 0) } }, context);
  },
};
