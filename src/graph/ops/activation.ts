import type { OpDefinition } from '../op.ts';
import { sizeOf } from '../tensor.ts';
import { activationCode, activationFunction } from './activationFunctions.ts';
import { flatGrid } from './grid.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { elementPieces, part } from './pieces.ts';

/** about how many operations an activation costs for an element, exp and tanh included */
export const activationFlops = 16;

/** y = act(x), any shape. Attribute `activation`: one of activationNames. */
export const activation: OpDefinition = {
  name: 'activation',
  infer(inputs, attributes) {
    activationCode(attributes['activation']);
    const { shape } = operand('activation', inputs, 0);
    return [{ shape, dtype: 'f32' }];
  },
  reference(inputs, node) {
    const { value } = activationFunction(node.attributes['activation']);
    return [Float64Array.from(valuesOf(inputs, 0), (x) => value(x))];
  },
  gradient(graph, node, [dy], [needed]) {
    return [needed && dy ? graph.one('activationGradient', [node.inputs[0], dy], node.attributes) : undefined];
  },
  lower(node, context) {
    const x = inputOf(node, 0);
    const kind = activationCode(node.attributes['activation']);
    return elementPieces(sizeOf(x.shape), context, activationFlops).map((piece) => ({
      kernel: { module: 'activation/forward' },
      params: [piece.count, kind, 0],
      bindings: { 1: part(x, piece), 2: undefined, 3: part(outputOf(node, 0), piece) },
      grid: flatGrid(piece.count),
      flops: piece.count * activationFlops,
    }));
  },
};
