import type { OpDefinition } from '../op.ts';
import { sizeOf } from '../tensor.ts';
import { activationFlops } from './activation.ts';
import { activationCode, activationFunction } from './activationFunctions.ts';
import { flatGrid } from './grid.ts';
import { inputOf, operand, outputOf, requireShape, valuesOf } from './operands.ts';
import { elementPieces, part } from './pieces.ts';

/**
 * y = act(gate)·up from [gate, up] of one shape: the inside of a gated MLP (Shazeer, "GLU variants improve transformer", 2020).
 * Attribute `activation`: one of activationNames.
 */
export const gatedActivation: OpDefinition = {
  name: 'gatedActivation',
  infer(inputs, attributes) {
    activationCode(attributes['activation']);
    const { shape } = operand('gatedActivation', inputs, 0);
    requireShape('gatedActivation', 'up', operand('gatedActivation', inputs, 1).shape, shape);
    return [{ shape, dtype: 'f32' }];
  },
  reference(inputs, node) {
    const { value } = activationFunction(node.attributes['activation']);
    const up = valuesOf(inputs, 1);
    return [Float64Array.from(valuesOf(inputs, 0), (x, i) => value(x) * up[i]!)];
  },
  gradient(graph, node, [dy], needs) {
    if (!dy || !needs.some(Boolean)) return [];
    return graph.apply('gatedActivationGradient', [...node.inputs, dy], node.attributes);
  },
  lower(node, context) {
    const gate = inputOf(node, 0);
    const kind = activationCode(node.attributes['activation']);
    return elementPieces(sizeOf(gate.shape), context, activationFlops).map((piece) => ({
      kernel: { module: 'activation/forward' },
      params: [piece.count, kind, 1],
      bindings: {
        1: part(gate, piece),
        2: part(inputOf(node, 1), piece),
        3: part(outputOf(node, 0), piece),
      },
      grid: flatGrid(piece.count),
      flops: piece.count * activationFlops,
    }));
  },
};
