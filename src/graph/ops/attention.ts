import type { Graph } from '../graph.ts';
import type { OpDefinition } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { addScaled, cappedScore, dotRows, visiblePairs } from './attentionReference.ts';
import { attentionConditions, attentionPieces, attentionShape, tileQueries } from './attentionShape.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';

/**
 * Grouped-query attention: o_i = Σ_j softmax_j(scale·q_i·k_j) v_j over the keys j that query i sees.
 * Inputs: q [B, Tq, nH, hd]; k, v [B, S, nKV, hd] (nKV divides nH; head h reads keys h / (nH / nKV)); keyLengths u32 [B],
 * or for packed segments (only where `causal`) u32 [B, 1 + S − prefix]: behind the length, for each position the first position of its
 * own segment, never falling along the row: query i sees no real key before keyLengths[b, 1 + position(i)];
 * optionally `bias` f32 [nH, 2·R + 1]: a table by relative distance, s_ij = scale·q_i·k_j + bias[h, clamp(j − i, −R, R) + R]
 * for absolute positions i and j (ALiBi, Press et al. 2022; T5's relative positions, Raffel et al. 2020).
 * Outputs: o [B, Tq, nH, hd]; lse [B, nH, Tq] = log Σ exp of the visible scores.
 * Query row i stands at position step.queryOffset + i, key row j at position j; j is visible below keyLengths[b], up to the query
 * where `causal`, and where `window` > 0 only if position(i) − j < window, as in Transformers' Mistral.
 * Attributes: `causal`, `window` (0 = none), `scale`; `cap` (default none): s_ij becomes cap·tanh(s_ij / cap), as in Gemma 2; `prefix`
 * (default 0): the first rows of k and v are virtual keys at the positions −prefix … −1, as Transformers counts the keys of a cache that
 * came before. Every query sees those that its window reaches; keyLengths does not count them (prefix tuning: concatenated in front,
 * after the rotary embedding).
 * A query that sees no key gives zeros. Dao et al., "FlashAttention" (2022).
 */
export const attention: OpDefinition = {
  name: 'attention',
  infer(inputs, attributes) {
    const { batches, queryRows, queryHeads } = attentionShape('attention', inputs, attributes, inputs[4]);
    return [
      { shape: operand('attention', inputs, 0).shape, dtype: 'f32' },
      { shape: [batches, queryHeads, queryRows], dtype: 'f32' },
    ];
  },
  reference(inputs, node, step) {
    const shape = attentionShape('attention', node.inputs, node.attributes, node.inputs[4]);
    const [q, k, v, lengths] = [valuesOf(inputs, 0), valuesOf(inputs, 1), valuesOf(inputs, 2), valuesOf(inputs, 3)];
    const { headSize, scale } = shape;
    const rows = shape.batches * shape.queryHeads * shape.queryRows;
    const highest = new Float64Array(rows).fill(-Infinity);
    const pairs = [...visiblePairs(shape, lengths, step, inputs[4])].map((pair) => {
      const { score } = cappedScore(shape, scale * dotRows(q, pair.query, k, pair.key, headSize) + pair.bias);
      highest[pair.statistic] = Math.max(highest[pair.statistic]!, score);
      return { ...pair, score };
    });
    const sums = new Float64Array(rows);
    for (const { statistic, score } of pairs) sums[statistic]! += Math.exp(score - highest[statistic]!);
    const output = new Float64Array(q.length);
    for (const { statistic, score, query, key } of pairs)
      addScaled(output, query, Math.exp(score - highest[statistic]!) / sums[statistic]!, v, key, headSize);
    return [output, sums.map((sum, row) => (sum > 0 ? highest[row]! + Math.log(sum) : 0))];
  },
  gradient(graph, node, [dOutput], [query = false, key = false, value = false, , bias = false]) {
    if (!dOutput || !(query || key || value || bias)) return [];
    const [q, k, v, lengths, table] = node.inputs;
    const [output, lse] = node.outputs;
    const statistics = graph.one('attentionStatistics', [output, dOutput, lse]);
    const operands = [q, k, v, lengths, dOutput, statistics, ...(table ? [table] : [])];
    const [dq] = query ? graph.apply('attentionQueryGradient', operands, node.attributes) : [];
    const [dk, dv] =
      key || value ? keyAndValue(graph, graph.apply('attentionKeyGradient', operands, node.attributes)) : [];
    return [dq, dk, dv, undefined, bias ? biasGradient(graph, operands, node.attributes) : undefined];
  },
  lower(node, context) {
    const shape = attentionShape('attention', node.inputs, node.attributes, node.inputs[4]);
    const pieces = attentionPieces(shape, tileQueries(shape), 4, context.flopsPerDispatch);
    return pieces.map(({ params, grid, flops }) => ({
      kernel: { module: 'attention/forward', conditions: attentionConditions(shape) },
      params,
      bindings: {
        1: { tensor: inputOf(node, 0) },
        2: { tensor: inputOf(node, 1) },
        3: { tensor: inputOf(node, 2) },
        4: { tensor: inputOf(node, 3) },
        5: { tensor: outputOf(node, 0) },
        6: { tensor: outputOf(node, 1) },
        8: node.inputs[4] && { tensor: node.inputs[4] },
      },
      grid,
      flops,
    }));
  },
};

/** Of the last operand, the table: the slopes of the scores, added up by distance. */
function biasGradient(
  graph: Graph,
  operands: readonly (Tensor | undefined)[],
  attributes: Readonly<Record<string, unknown>>,
): Tensor {
  const shape = attentionShape('attention', operands, attributes, operands[6]);
  const diagonals = graph.one('attentionDiagonals', operands, attributes);
  const { biasReach: reach, queryRows, prefix } = shape;
  return graph.one('foldDistances', [diagonals], { reach, zero: queryRows - 1 + prefix });
}

/** dk and dv: with a bias table they come stacked as one tensor [2, B, S, nKV, hd]. */
function keyAndValue(graph: Graph, gradients: readonly Tensor[]): readonly (Tensor | undefined)[] {
  const [first] = gradients;
  if (!first || gradients.length > 1) return gradients;
  const half = (start: number) =>
    graph.reshape(graph.one('slice', [first], { axis: 0, start, size: 1 }), first.shape.slice(1));
  return [half(0), half(1)];
}
