import type { OpDefinition } from '../op.ts';
import { sizeOf } from '../tensor.ts';
import { activationFlops } from './activation.ts';
import { activationCode, activationFunction } from './activationFunctions.ts';
import { flatGrid } from './grid.ts';
import { inputOf, operand, outputOf, requireShape, valuesOf } from './operands.ts';
import { elementPieces, part } from './pieces.ts';

/** dx = act'(x)·dy from [x, dy], in place over dy. Attribute `activation` as in the forward op. */
export const activationGradient: OpDefinition = {
  name: 'activationGradient',
  inPlace: { input: 1 },
  infer(inputs) {
    const { shape } = operand('activationGradient', inputs, 0);
    requireShape('activationGradient', 'dy', operand('activationGradient', inputs, 1).shape, shape);
    return [{ shape, dtype: 'f32' }];
  },
  reference(inputs, node) {
    const { derivative } = activationFunction(node.attributes['activation']);
    const dy = valuesOf(inputs, 1);
    return [Float64Array.from(valuesOf(inputs, 0), (x, i) => derivative(x) * dy[i]!)];
  },
  lower(node, context) {
    const x = inputOf(node, 0);
    const kind = activationCode(node.attributes['activation']);
    return elementPieces(sizeOf(x.shape), context, activationFlops).map((piece) => ({
      kernel: { module: 'activation/gradient' },
      params: [piece.count, kind, 0],
      bindings: { 1: part(x, piece), 2: part(x, piece), 3: part(outputOf(node, 0), piece), 4: undefined },
      grid: flatGrid(piece.count),
      flops: piece.count * activationFlops,
    }));
  },
};
