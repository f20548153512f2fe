import type { OpDefinition } from '../op.ts';
import { sizeOf, type OpNode } from '../tensor.ts';
import { numberAttribute } from './attributes.ts';
import { operand, outputOf, valuesOf } from './operands.ts';
import { elementGrid, elementPieces, part } from './pieces.ts';
import { randomWords } from './random.ts';

const flopsEach = 32;

/**
 * y = x · mask / (1 − p). Attributes: probability p in [0, 1), and site, a number that tells the dropouts of a graph apart.
 * The mask is a hash of (seed, step, micro-batch, site, element), so it is stored nowhere: the gradient is the same op on dy.
 */
export const dropout: OpDefinition = {
  name: 'dropout',
  inPlace: { input: 0 },

  infer(inputs, attributes) {
    const probability = numberAttribute('dropout', attributes, 'probability');
    numberAttribute('dropout', attributes, 'site');
    if (!(probability >= 0 && probability < 1))
      throw new Error(`dropout needs a probability in [0, 1), got ${probability}`);
    return [operand('dropout', inputs, 0)];
  },

  reference(inputs, node, step) {
    const { site, threshold, scale } = settings(node);
    const word = randomWords(step, site);
    return [Float64Array.from(valuesOf(inputs, 0), (x, i) => (word(i) >= threshold ? x * scale : 0))];
  },

  gradient(graph, node, [dy]) {
    return [dy && graph.one('dropout', [dy], node.attributes)];
  },

  lower(node, context) {
    const y = outputOf(node, 0);
    const { site, threshold, scale } = settings(node);
    return elementPieces(sizeOf(y.shape), context, flopsEach).map((piece) => ({
      kernel: { module: 'random/dropout' },
      params: [piece.count, piece.start, site, threshold, { f: scale }],
      bindings: { 1: part(y, piece) },
      grid: elementGrid(piece.count),
      flops: piece.count * flopsEach,
    }));
  },
};

function settings(node: OpNode): { site: number; threshold: number; scale: number } {
  const probability = numberAttribute('dropout', node.attributes, 'probability');
  const threshold = Math.min(2 ** 32 - 1, Math.round(probability * 2 ** 32));
  return { site: numberAttribute('dropout', node.attributes, 'site'), threshold, scale: 1 / (1 - probability) };
}
