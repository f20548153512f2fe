import type { OpDefinition } from '../op.ts';
import { sizeOf } from '../tensor.ts';
import { activationFlops } from './activation.ts';
import { activationCode, activationFunction } from './activationFunctions.ts';
import { flatGrid } from './grid.ts';
import { inputOf, operand, outputOf, requireShape, valuesOf } from './operands.ts';
import { elementPieces, part } from './pieces.ts';

/** [gate, up, dy] → [dgate, dup]: dgate = act'(gate)·up·dy in place over dy, dup = act(gate)·dy. */
export const gatedActivationGradient: OpDefinition = {
  name: 'gatedActivationGradient',
  inPlace: { input: 2 },
  infer(inputs) {
    const { shape } = operand('gatedActivationGradient', inputs, 0);
    for (const [index, what] of [
      [1, 'up'],
      [2, 'dy'],
    ] as const)
      requireShape('gatedActivationGradient', what, operand('gatedActivationGradient', inputs, index).shape, shape);
    return [
      { shape, dtype: 'f32' },
      { shape, dtype: 'f32' },
    ];
  },
  reference(inputs, node) {
    const { value, derivative } = activationFunction(node.attributes['activation']);
    const [gate, up, dy] = [valuesOf(inputs, 0), valuesOf(inputs, 1), valuesOf(inputs, 2)];
    return [
      Float64Array.from(gate, (x, i) => derivative(x) * up[i]! * dy[i]!),
      Float64Array.from(gate, (x, i) => value(x) * dy[i]!),
    ];
  },
  lower(node, context) {
    const gate = inputOf(node, 0);
    const kind = activationCode(node.attributes['activation']);
    return elementPieces(sizeOf(gate.shape), context, 2 * activationFlops).map((piece) => ({
      kernel: { module: 'activation/gradient' },
      params: [piece.count, kind, 1],
      bindings: {
        1: part(gate, piece),
        2: part(inputOf(node, 1), piece),
        3: part(outputOf(node, 0), piece),
        4: part(outputOf(node, 1), piece),
      },
      grid: flatGrid(piece.count),
      flops: piece.count * 2 * activationFlops,
    }));
  },
};
