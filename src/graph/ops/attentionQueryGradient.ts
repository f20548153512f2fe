import type { OpDefinition } from '../op.ts';
import { gradientDispatches, gradientShape, slopedPairs } from './attentionGradient.ts';
import { addScaled } from './attentionReference.ts';
import { tileQueries } from './attentionShape.ts';
import { operand, outputOf, valuesOf } from './operands.ts';

/**
 * [q, k, v, keyLengths, do, statistics, optionally bias] → dq: dq_i = scale·Σ_j p_ij (do_i·v_j − delta_i) k_j, p_ij = exp(s_ij − lse_i).
 * Attributes and scores s_ij as of attention; statistics from attentionStatistics. Dao et al., "FlashAttention" (2022).
 */
export const attentionQueryGradient: OpDefinition = {
  name: 'attentionQueryGradient',
  infer(inputs, attributes) {
    gradientShape('attentionQueryGradient', inputs, attributes);
    return [{ shape: operand('attentionQueryGradient', inputs, 0).shape, dtype: 'f32' }];
  },
  reference(inputs, node, step) {
    const shape = gradientShape('attentionQueryGradient', node.inputs, node.attributes);
    const k = valuesOf(inputs, 1);
    const dq = new Float64Array(valuesOf(inputs, 0).length);
    for (const { query, key, slope } of slopedPairs(shape, inputs, step))
      addScaled(dq, query, shape.scale * slope, k, key, shape.headSize);
    return [dq];
  },
  lower(node, context) {
    const work = { tiling: tileQueries, flopsPerPair: 6 };
    return gradientDispatches('attention/query_gradient', node, work, { 7: { tensor: outputOf(node, 0) } }, context);
  },
};
