import type { OpDefinition } from '../op.ts';
import { sizeOf, type OpNode, type TensorSpec } from '../tensor.ts';
import { numberAttribute } from './attributes.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { boxWithin } from './slice.ts';
import { copyInto, lowerStridedCopy, valuesLike, type CopyBox } from './stridedCopy.ts';

/** Its operands behind each other along attribute `axis`; they agree in all other dimensions. The gradients are slices. */
export const concat: OpDefinition = {
  name: 'concat',

  infer(inputs, attributes) {
    const first = operand('concat', inputs, 0);
    const axis = numberAttribute('concat', attributes, 'axis');
    const fits = (input: TensorSpec) =>
      input.shape.length === first.shape.length &&
      input.shape.every((size, d) => d === axis || size === first.shape[d]);
    const sizes = inputs.map((_, i) => {
      const input = operand('concat', inputs, i);
      if (!fits(input))
        throw new Error(
          `concat cannot put [${input.shape.join(', ')}] behind [${first.shape.join(', ')}] along axis ${axis}`,
        );
      return input.shape[axis] ?? 1;
    });
    return [
      {
        shape: first.shape.with(
          axis,
          sizes.reduce((sum, size) => sum + size, 0),
        ),
        dtype: first.dtype,
      },
    ];
  },

  reference(inputs, node) {
    const y = valuesLike(outputOf(node, 0));
    boxesOf(node).forEach((box, i) => copyInto(y, valuesOf(inputs, i), box));
    return [y];
  },

  gradient(graph, node, [dy], needs) {
    const axis = numberAttribute('concat', node.attributes, 'axis');
    const starts = startsOf(node);
    return node.inputs.map((input, i) =>
      dy && input && needs[i]
        ? graph.one('slice', [dy], { axis, start: starts[i], size: input.shape[axis] })
        : undefined,
    );
  },

  lower(node, context) {
    return boxesOf(node).flatMap((box, i) => lowerStridedCopy(inputOf(node, i), outputOf(node, 0), box, context));
  },
};

function startsOf(node: OpNode): number[] {
  const axis = numberAttribute('concat', node.attributes, 'axis');
  let end = 0;
  return node.inputs.map((input) => {
    const start = end;
    end += input?.shape[axis] ?? 0;
    return start;
  });
}

function boxesOf(node: OpNode): CopyBox[] {
  const axis = numberAttribute('concat', node.attributes, 'axis');
  const { shape } = outputOf(node, 0);
  const row = sizeOf(shape.slice(axis + 1));
  return startsOf(node).map((start, i) => ({
    ...boxWithin(inputOf(node, i).shape, shape, 'to'),
    toStart: start * row,
  }));
}
