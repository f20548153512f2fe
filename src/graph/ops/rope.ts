import type { OpDefinition } from '../op.ts';
import type { TensorSpec } from '../tensor.ts';
import { flatGrid } from './grid.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { rowPieces, rowsPart } from './pieces.ts';

/** x [B, T, heads, headSize] and how many pairs of a head are turned. */
function geometry(inputs: readonly (TensorSpec | undefined)[], attributes: Readonly<Record<string, unknown>>) {
  const { shape } = operand('rope', inputs, 0);
  const [batch = 0, sequence = 0, heads = 0, headSize = 0] = shape;
  const half = Number(attributes['rotaryDim'] ?? headSize) / 2;
  const offset = Number(attributes['offset'] ?? 0);
  return { shape, batch, sequence, heads, headSize, half, offset };
}

/**
 * Rotary position embedding in place, Hugging Face's half-split convention: [x1·c − x2·s, x2·c + x1·s].
 * Inputs: x [B, T, heads, headSize]; table [positions, rotaryDim / 2, 2] of cosines and sines, any scaling already in it.
 * Attributes: `inverse` turns the other way (the gradient); `rotaryDim` (default headSize): how many values of a head are turned.
 * `offset` (default 0): virtual positions in front. Row t stands at position offset + step.queryOffset + t.
 */
export const rope: OpDefinition = {
  name: 'rope',
  inPlace: { input: 0 },
  infer(inputs, attributes) {
    const { shape, headSize, half } = geometry(inputs, attributes);
    const table = operand('rope', inputs, 1).shape;
    if (shape.length !== 4 || !Number.isInteger(half) || 2 * half > headSize)
      throw new Error(`rope cannot turn ${2 * half} values of a head of [${shape.join(', ')}]`);
    if (table.length !== 3 || table[1] !== half || table[2] !== 2)
      throw new Error(`rope wants a table [positions, ${half}, 2] but it is [${table.join(', ')}]`);
    return [{ shape, dtype: 'f32' }];
  },
  reference(inputs, node, step) {
    const { batch, sequence, heads, headSize, half, offset } = geometry(node.inputs, node.attributes);
    const y = Float64Array.from(valuesOf(inputs, 0));
    const table = valuesOf(inputs, 1);
    const sign = node.attributes['inverse'] ? -1 : 1;
    for (let head = 0; head < batch * sequence * heads; head++) {
      const position = offset + step.queryOffset + (Math.floor(head / heads) % sequence);
      for (let i = 0; i < half; i++) {
        const cosine = table[(position * half + i) * 2]!;
        const sine = sign * table[(position * half + i) * 2 + 1]!;
        const first = head * headSize + i;
        const [x1, x2] = [y[first]!, y[first + half]!];
        y[first] = x1 * cosine - x2 * sine;
        y[first + half] = x2 * cosine + x1 * sine;
      }
    }
    return [y];
  },
  gradient(graph, node, [dy], [needed]) {
    if (!dy || !needed) return [];
    const attributes = { ...node.attributes, inverse: !node.attributes['inverse'] };
    return [graph.one('rope', [dy, node.inputs[1]], attributes)];
  },
  lower(node, context) {
    const { batch, sequence, heads, headSize, half, offset } = geometry(node.inputs, node.attributes);
    const sign = node.attributes['inverse'] ? -1 : 1;
    return rowPieces(batch * sequence, heads * headSize, context, 3).map((piece) => {
      const pairs = piece.count * heads * half;
      return {
        kernel: { module: 'rope/rotate' },
        params: [pairs, heads, headSize, half, sequence, piece.start, { f: sign }, offset],
        bindings: { 1: rowsPart(outputOf(node, 0), piece, heads * headSize), 2: { tensor: inputOf(node, 1) } },
        grid: flatGrid(pairs),
        flops: 6 * pairs,
      };
    });
  },
};
