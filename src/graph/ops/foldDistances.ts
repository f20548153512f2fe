import type { OpDefinition } from '../op.ts';
import type { Shape } from '../tensor.ts';
import { numberAttribute } from './attributes.ts';
import { flatGrid } from './grid.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';

/**
 * diagonals [B, heads, count] → table [heads, 2·R + 1], as attention's bias table looks distances up:
 * table[h, clamp(d, −R, R) + R] = Σ_b Σ_d diagonals[b, h, zero + step.queryOffset + d].
 * Attributes: `reach` R; `zero`, the diagonal of distance 0 where the first query stands at position 0.
 *
 * One dispatch however large: it adds B · heads · count numbers, far fewer than the attention before it reads, and its longest lane, an end of
 * the table, B · count of them.
 */
export const foldDistances: OpDefinition = {
  name: 'foldDistances',
  infer(inputs, attributes) {
    const [, heads = 1] = operand('foldDistances', inputs, 0).shape;
    return [{ shape: [heads, 2 * numberAttribute('foldDistances', attributes, 'reach') + 1], dtype: 'f32' }];
  },
  reference(inputs, node, { queryOffset }) {
    const diagonals = valuesOf(inputs, 0);
    const { batches, heads, count, reach, zero } = wordsOf(inputOf(node, 0).shape, node.attributes);
    const width = 2 * reach + 1;
    const table = new Float64Array(heads * width);
    for (let row = 0; row < batches * heads; row++)
      for (let diagonal = 0; diagonal < count; diagonal++) {
        const distance = Math.max(-reach, Math.min(reach, diagonal - zero - queryOffset));
        table[(row % heads) * width + distance + reach]! += diagonals[row * count + diagonal]!;
      }
    return [table];
  },
  lower(node) {
    const { batches, heads, count, reach, zero } = wordsOf(inputOf(node, 0).shape, node.attributes);
    const entries = heads * (2 * reach + 1);
    return [
      {
        kernel: { module: 'attention/fold_distances' },
        params: [batches, heads, count, reach, zero],
        bindings: { 1: { tensor: inputOf(node, 0) }, 2: { tensor: outputOf(node, 0) } },
        grid: flatGrid(entries, 64),
        flops: batches * heads * count,
      },
    ];
  },
};

function wordsOf([batches = 1, heads = 1, count = 1]: Shape, attributes: Readonly<Record<string, unknown>>) {
  const reach = numberAttribute('foldDistances', attributes, 'reach');
  return { batches, heads, count, reach, zero: numberAttribute('foldDistances', attributes, 'zero') };
}
