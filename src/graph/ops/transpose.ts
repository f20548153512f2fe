import type { OpDefinition } from '../op.ts';
import type { OpNode, Shape } from '../tensor.ts';
import { numbersAttribute } from './attributes.ts';
import { stridesOf } from './broadcast.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { copied, lowerStridedCopy, type CopyBox } from './stridedCopy.ts';

/** y has x's dimensions in the order of attribute `permutation`, as torch.permute. Its gradient is the permutation back. */
export const transpose: OpDefinition = {
  name: 'transpose',

  infer(inputs, attributes) {
    const x = operand('transpose', inputs, 0);
    const permutation = permutationOf(attributes, x.shape);
    return [{ shape: permutation.map((axis) => x.shape[axis] ?? 1), dtype: x.dtype }];
  },

  reference(inputs, node) {
    return [copied(valuesOf(inputs, 0), outputOf(node, 0), boxOf(node))];
  },

  gradient(graph, node, [dy]) {
    const permutation = permutationOf(node.attributes, inputOf(node, 0).shape);
    const back = permutation.map((_, axis) => permutation.indexOf(axis));
    return [dy && graph.one('transpose', [dy], { permutation: back })];
  },

  lower(node, context) {
    return lowerStridedCopy(inputOf(node, 0), outputOf(node, 0), boxOf(node), context);
  },
};

function permutationOf(attributes: Readonly<Record<string, unknown>>, shape: Shape): readonly number[] {
  const permutation = numbersAttribute('transpose', attributes, 'permutation');
  if (permutation.length !== shape.length || shape.some((_, axis) => !permutation.includes(axis)))
    throw new Error(`transpose wants each axis of [${shape.join(', ')}] once, got [${permutation.join(', ')}]`);
  return permutation;
}

function boxOf(node: OpNode): CopyBox {
  const { shape } = inputOf(node, 0);
  const from = stridesOf(shape);
  const y = outputOf(node, 0).shape;
  const to = stridesOf(y);
  const permutation = permutationOf(node.attributes, shape);
  return { dimensions: permutation.map((axis, d) => ({ size: y[d] ?? 1, from: from[axis] ?? 1, to: to[d] ?? 1 })) };
}
