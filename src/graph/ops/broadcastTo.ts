import type { OpDefinition } from '../op.ts';
import { sizeOf, type OpNode, type Shape } from '../tensor.ts';
import { numbersAttribute } from './attributes.ts';
import { sumTo } from './binary.ts';
import { broadcastShapes, broadcastStrides, stridesOf } from './broadcast.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { copied, lowerStridedCopy, type CopyBox } from './stridedCopy.ts';

/** y = x stretched to attribute `shape` by NumPy's rule. The gradient sums over what was stretched. */
export const broadcastTo: OpDefinition = {
  name: 'broadcastTo',

  infer(inputs, attributes) {
    const x = operand('broadcastTo', inputs, 0);
    const shape = numbersAttribute('broadcastTo', attributes, 'shape');
    const stretched = broadcastShapes(x.shape, shape, 'broadcastTo');
    if (sizeOf(stretched) !== sizeOf(shape) || x.shape.length > shape.length)
      throw new Error(`broadcastTo cannot stretch [${x.shape.join(', ')}] to [${shape.join(', ')}]`);
    return [{ shape, dtype: x.dtype }];
  },

  reference(inputs, node) {
    return [copied(valuesOf(inputs, 0), outputOf(node, 0), boxOf(node))];
  },

  gradient(graph, node, [dy]) {
    return [dy && sumTo(graph, dy, inputOf(node, 0).shape)];
  },

  lower(node, context) {
    return lowerStridedCopy(inputOf(node, 0), outputOf(node, 0), boxOf(node), context);
  },
};

function boxOf(node: OpNode): CopyBox {
  const { shape }: { shape: Shape } = outputOf(node, 0);
  const from = broadcastStrides(inputOf(node, 0).shape, shape);
  const to = stridesOf(shape);
  return { dimensions: shape.map((size, d) => ({ size, from: from[d] ?? 0, to: to[d] ?? 0 })) };
}
