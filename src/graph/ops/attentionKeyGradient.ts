import type { OpDefinition } from '../op.ts';
import { addScaled, cappedScore, dotRows, visiblePairs } from './attentionReference.ts';
import { attentionConditions, attentionPieces, attentionShape, tileKeys } from './attentionShape.ts';
import { inputOf, operand, outputOf, requireShape, valuesOf } from './operands.ts';

/**
 * [q, k, v, keyLengths, do, statistics] → [dk, dv], summed over the query heads that share a key head:
 * dv_j = Σ_i p_ij do_i; dk_j = scale·Σ_i p_ij (do_i·v_j − delta_i) q_i, p_ij = exp(s_ij − lse_i).
 * With `bias` as input 6 they are one output [2, B, S, nKV, hd], dk before dv: a kernel binds eight buffers at most.
 * Attributes and scores s_ij as of attention; statistics from attentionStatistics. Dao et al., "FlashAttention" (2022).
 */
export const attentionKeyGradient: OpDefinition = {
  name: 'attentionKeyGradient',
  infer(inputs, attributes) {
    const { batches, queryHeads, queryRows } = attentionShape('attentionKeyGradient', inputs, attributes, inputs[6]);
    const query = operand('attentionKeyGradient', inputs, 0).shape;
    requireShape('attentionKeyGradient', 'do', operand('attentionKeyGradient', inputs, 4).shape, query);
    const statistics = operand('attentionKeyGradient', inputs, 5).shape;
    requireShape('attentionKeyGradient', 'statistics', statistics, [batches, queryHeads, queryRows, 2]);
    const { shape } = operand('attentionKeyGradient', inputs, 1);
    if (inputs[6]) return [{ shape: [2, ...shape], dtype: 'f32' }];
    return [
      { shape, dtype: 'f32' },
      { shape, dtype: 'f32' },
    ];
  },
  reference(inputs, node, step) {
    const shape = attentionShape('attentionKeyGradient', node.inputs, node.attributes, node.inputs[6]);
    const [q, k, v, lengths] = [valuesOf(inputs, 0), valuesOf(inputs, 1), valuesOf(inputs, 2), valuesOf(inputs, 3)];
    const [dOutput, statistics] = [valuesOf(inputs, 4), valuesOf(inputs, 5)];
    const { headSize, scale } = shape;
    const gradients = new Float64Array(2 * k.length);
    const [dk, dv] = [gradients.subarray(0, k.length), gradients.subarray(k.length)];
    for (const { statistic, query, key, bias } of visiblePairs(shape, lengths, step, inputs[6])) {
      const capped = cappedScore(shape, scale * dotRows(q, query, k, key, headSize) + bias);
      const weight = Math.exp(capped.score - statistics[statistic * 2]!);
      const slope = capped.slope * (dotRows(dOutput, query, v, key, headSize) - statistics[statistic * 2 + 1]!);
      addScaled(dk, key, scale * weight * slope, q, query, headSize);
      addScaled(dv, key, weight, dOutput, query, headSize);
    }
    return inputs[6] ? [gradients] : [dk, dv];
  },
  lower(node, context) {
    const shape = attentionShape('attentionKeyGradient', node.inputs, node.attributes, node.inputs[6]);
    const pieces = attentionPieces(shape, tileKeys(shape), 8, context.flopsPerDispatch);
    return pieces.map(({ params, grid, flops }) => ({
      kernel: { module: 'attention/key_gradient', conditions: attentionConditions(shape) },
      params,
      bindings: {
        1: { tensor: inputOf(node, 0) },
        2: { tensor: inputOf(node, 1) },
        3: { tensor: inputOf(node, 2) },
        4: { tensor: inputOf(node, 3) },
        5: { tensor: inputOf(node, 4) },
        6: { tensor: inputOf(node, 5) },
        7: { tensor: outputOf(node, 0) },
        8: { tensor: node.inputs[6] ?? outputOf(node, 1) },
      },
      grid,
      flops,
    }));
  },
};
