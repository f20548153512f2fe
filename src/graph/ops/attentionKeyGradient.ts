import type { OpDefinition } from '../op.ts';
import { gradientDispatches, gradientShape, slopedPairs } from './attentionGradient.ts';
import { addScaled } from './attentionReference.ts';
import { tileKeys } from './attentionShape.ts';
import { operand, outputOf, valuesOf } from './operands.ts';

/**
 * [q, k, v, keyLengths, do, statistics] → [dk, dv], summed over the query heads that share a key head:
 * dv_j = Σ_i p_ij do_i; dk_j = scale·Σ_i p_ij (do_i·v_j − delta_i) q_i, p_ij = exp(s_ij − lse_i).
 * With `bias` as input 6 they are one output [2, B, S, nKV, hd], dk before dv: a kernel binds eight buffers at most.
 * Attributes and scores s_ij as of attention; statistics from attentionStatistics. Dao et al., "FlashAttention" (2022).
 */
export const attentionKeyGradient: OpDefinition = {
  name: 'attentionKeyGradient',
  infer(inputs, attributes) {
    gradientShape('attentionKeyGradient', inputs, attributes);
    const { shape } = operand('attentionKeyGradient', inputs, 1);
    if (inputs[6]) return [{ shape: [2, ...shape], dtype: 'f32' }];
    return [
      { shape, dtype: 'f32' },
      { shape, dtype: 'f32' },
    ];
  },
  reference(inputs, node, step) {
    const shape = gradientShape('attentionKeyGradient', node.inputs, node.attributes);
    const [q, dOutput] = [valuesOf(inputs, 0), valuesOf(inputs, 4)];
    const { length } = valuesOf(inputs, 1);
    const gradients = new Float64Array(2 * length);
    const [dk, dv] = [gradients.subarray(0, length), gradients.subarray(length)];
    for (const { query, key, weight, slope } of slopedPairs(shape, inputs, step)) {
      addScaled(dk, key, shape.scale * slope, q, query, shape.headSize);
      addScaled(dv, key, weight, dOutput, query, shape.headSize);
    }
    return inputs[6] ? [gradients] : [dk, dv];
  },
  lower(node, context) {
    const outputs = {
      7: { tensor: outputOf(node, 0) },
      ...(!node.inputs[6] && { 8: { tensor: outputOf(node, 1) } }),
    };
    return gradientDispatches('attention/key_gradient', node, { tiling: tileKeys, flopsPerPair: 8 }, outputs, context);
  },
};
