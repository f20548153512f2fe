import type { OpDefinition } from '../op.ts';
import { addScaled, cappedScore, dotRows, visiblePairs } from './attentionReference.ts';
import { attentionConditions, attentionPieces, attentionShape, tileQueries } from './attentionShape.ts';
import { inputOf, operand, outputOf, requireShape, valuesOf } from './operands.ts';

/**
 * [q, k, v, keyLengths, do, statistics, optionally bias] → dq: dq_i = scale·Σ_j p_ij (do_i·v_j − delta_i) k_j, p_ij = exp(s_ij − lse_i).
 * Attributes and scores s_ij as of attention; statistics from attentionStatistics. Dao et al., "FlashAttention" (2022).
 */
export const attentionQueryGradient: OpDefinition = {
  name: 'attentionQueryGradient',
  infer(inputs, attributes) {
    const { batches, queryHeads, queryRows } = attentionShape('attentionQueryGradient', inputs, attributes, inputs[6]);
    const { shape } = operand('attentionQueryGradient', inputs, 0);
    requireShape('attentionQueryGradient', 'do', operand('attentionQueryGradient', inputs, 4).shape, shape);
    const statistics = operand('attentionQueryGradient', inputs, 5).shape;
    requireShape('attentionQueryGradient', 'statistics', statistics, [batches, queryHeads, queryRows, 2]);
    return [{ shape, dtype: 'f32' }];
  },
  reference(inputs, node, step) {
    const shape = attentionShape('attentionQueryGradient', node.inputs, node.attributes, node.inputs[6]);
    const [q, k, v, lengths] = [valuesOf(inputs, 0), valuesOf(inputs, 1), valuesOf(inputs, 2), valuesOf(inputs, 3)];
    const [dOutput, statistics] = [valuesOf(inputs, 4), valuesOf(inputs, 5)];
    const { headSize, scale } = shape;
    const dq = new Float64Array(q.length);
    for (const { statistic, query, key, bias } of visiblePairs(shape, lengths, step, inputs[6])) {
      const capped = cappedScore(shape, scale * dotRows(q, query, k, key, headSize) + bias);
      const weight = Math.exp(capped.score - statistics[statistic * 2]!);
      const slope = capped.slope * (dotRows(dOutput, query, v, key, headSize) - statistics[statistic * 2 + 1]!);
      addScaled(dq, query, scale * weight * slope, k, key, headSize);
    }
    return [dq];
  },
  lower(node, context) {
    const shape = attentionShape('attentionQueryGradient', node.inputs, node.attributes, node.inputs[6]);
    const pieces = attentionPieces(shape, tileQueries(shape), 6, context.flopsPerDispatch);
    return pieces.map(({ params, grid, flops }) => ({
      kernel: { module: 'attention/query_gradient', conditions: attentionConditions(shape) },
      params,
      bindings: {
        1: { tensor: inputOf(node, 0) },
        2: { tensor: inputOf(node, 1) },
        3: { tensor: inputOf(node, 2) },
        4: { tensor: inputOf(node, 3) },
        5: { tensor: inputOf(node, 4) },
        6: { tensor: inputOf(node, 5) },
        7: { tensor: outputOf(node, 0) },
        8: node.inputs[6] && { tensor: node.inputs[6] },
      },
      grid,
      flops,
    }));
  },
};
