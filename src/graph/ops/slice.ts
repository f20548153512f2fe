import type { OpDefinition } from '../op.ts';
import { sizeOf, type OpNode, type Shape } from '../tensor.ts';
import { numberAttribute } from './attributes.ts';
import { stridesOf } from './broadcast.ts';
import { lowerFill } from './fill.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { copied, lowerStridedCopy, type CopyBox } from './stridedCopy.ts';

/** y = x[…, start : start + size, …] along `axis`. Attributes: axis, start, size. The gradient pads with zeros. */
export const slice: OpDefinition = {
  name: 'slice',

  infer(inputs, attributes) {
    const x = operand('slice', inputs, 0);
    const { axis, start, size } = rangeOf('slice', attributes);
    if (start < 0 || size < 1 || start + size > (x.shape[axis] ?? 0))
      throw new Error(`slice cannot take ${size} from ${start} on along axis ${axis} of [${x.shape.join(', ')}]`);
    return [{ shape: x.shape.with(axis, size), dtype: x.dtype }];
  },

  reference(inputs, node) {
    return [copied(valuesOf(inputs, 0), outputOf(node, 0), sliceBox(node))];
  },

  gradient(graph, node, [dy]) {
    const { axis, start } = rangeOf('slice', node.attributes);
    return [dy && graph.one('pad', [dy], { axis, start, size: inputOf(node, 0).shape[axis] })];
  },

  lower(node, context) {
    return lowerStridedCopy(inputOf(node, 0), outputOf(node, 0), sliceBox(node), context);
  },
};

/** y is zero but for y[…, start : start + n, …] = x along `axis`, whose size becomes `size`. Attributes: axis, start, size. */
export const pad: OpDefinition = {
  name: 'pad',

  infer(inputs, attributes) {
    const x = operand('pad', inputs, 0);
    const { axis, start, size } = rangeOf('pad', attributes);
    const count = x.shape[axis];
    if (count === undefined || start < 0 || start + count > size)
      throw new Error(`pad cannot put [${x.shape.join(', ')}] at ${start} of ${size} along axis ${axis}`);
    return [{ shape: x.shape.with(axis, size), dtype: x.dtype }];
  },

  reference(inputs, node) {
    return [copied(valuesOf(inputs, 0), outputOf(node, 0), padBox(node))];
  },

  gradient(graph, node, [dy]) {
    const { axis, start } = rangeOf('pad', node.attributes);
    return [dy && graph.one('slice', [dy], { axis, start, size: inputOf(node, 0).shape[axis] })];
  },

  lower(node, context) {
    const y = outputOf(node, 0);
    return [...lowerFill(y, context), ...lowerStridedCopy(inputOf(node, 0), y, padBox(node), context)];
  },
};

function rangeOf(op: string, attributes: Readonly<Record<string, unknown>>) {
  return {
    axis: numberAttribute(op, attributes, 'axis'),
    start: numberAttribute(op, attributes, 'start'),
    size: numberAttribute(op, attributes, 'size'),
  };
}

function sliceBox(node: OpNode): CopyBox {
  const { axis, start } = rangeOf('slice', node.attributes);
  const { shape } = inputOf(node, 0);
  return { ...boxWithin(outputOf(node, 0).shape, shape, 'from'), fromStart: start * sizeOf(shape.slice(axis + 1)) };
}

function padBox(node: OpNode): CopyBox {
  const { axis, start } = rangeOf('pad', node.attributes);
  const { shape } = outputOf(node, 0);
  return { ...boxWithin(inputOf(node, 0).shape, shape, 'to'), toStart: start * sizeOf(shape.slice(axis + 1)) };
}

/** A box of `shape` that lies on one side within a larger tensor, and is dense on the other. */
export function boxWithin(shape: Shape, larger: Shape, side: 'from' | 'to'): CopyBox {
  const dense = stridesOf(shape);
  const wide = stridesOf(larger);
  const dimensions = shape.map((size, d) => {
    const [inner, outer] = [dense[d] ?? 1, wide[d] ?? 1];
    return side === 'from' ? { size, from: outer, to: inner } : { size, from: inner, to: outer };
  });
  return { dimensions };
}
