import type { OpDefinition } from '../op.ts';
import type { Shape } from '../tensor.ts';
import { numberAttribute, numbersAttribute } from './attributes.ts';
import { stridesOf } from './broadcast.ts';
import { lowerFill } from './fill.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { copied, lowerStridedCopy, type CopyBox } from './stridedCopy.ts';

type Attributes = Readonly<Record<string, unknown>>;

/**
 * Square patches that do not overlap: x [B, C, H, W] → [B, ⌊H/p⌋·⌊W/p⌋, C·p·p], patches row by row, numbers within a patch in the order of a
 * convolution's weight [out, C, p, p]; what is left at the right and at the bottom is dropped, as a convolution of stride p does.
 * Attribute: patchSize.
 */
export const unfold: OpDefinition = {
  name: 'unfold',

  infer(inputs, attributes) {
    const x = operand('unfold', inputs, 0);
    if (x.shape.length !== 4)
      throw new Error(`unfold wants [batch, channels, height, width], got [${x.shape.join(', ')}]`);
    return [{ shape: patchesShape('unfold', x.shape, attributes), dtype: x.dtype }];
  },

  reference(inputs, node) {
    return [
      copied(valuesOf(inputs, 0), outputOf(node, 0), patchBox('unfold', inputOf(node, 0).shape, node.attributes)),
    ];
  },

  gradient(graph, node, [dy]) {
    return [dy && graph.one('fold', [dy], { ...node.attributes, shape: inputOf(node, 0).shape })];
  },

  lower(node, context) {
    const x = inputOf(node, 0);
    return lowerStridedCopy(x, outputOf(node, 0), patchBox('unfold', x.shape, node.attributes), context);
  },
};

/** Patches put back into an image; zero where none lies. Attributes: patchSize, and shape [B, C, H, W]. The gradient of unfold. */
export const fold: OpDefinition = {
  name: 'fold',

  infer(inputs, attributes) {
    const x = operand('fold', inputs, 0);
    const shape = numbersAttribute('fold', attributes, 'shape');
    const patches = patchesShape('fold', shape, attributes);
    if (patches.some((size, d) => size !== x.shape[d]))
      throw new Error(`fold cannot make [${shape.join(', ')}] of patches [${x.shape.join(', ')}]`);
    return [{ shape, dtype: x.dtype }];
  },

  reference(inputs, node) {
    const y = outputOf(node, 0);
    return [copied(valuesOf(inputs, 0), y, turned(patchBox('fold', y.shape, node.attributes)))];
  },

  gradient(graph, node, [dy]) {
    const { patchSize } = node.attributes;
    return [dy && graph.one('unfold', [dy], { patchSize })];
  },

  lower(node, context) {
    const y = outputOf(node, 0);
    const box = turned(patchBox('fold', y.shape, node.attributes));
    return [...lowerFill(y, context), ...lowerStridedCopy(inputOf(node, 0), y, box, context)];
  },
};

function patchesShape(
  op: string,
  [batch = 1, channels = 1, height = 1, width = 1]: Shape,
  attributes: Attributes,
): number[] {
  const patch = numberAttribute(op, attributes, 'patchSize');
  const count = Math.floor(height / patch) * Math.floor(width / patch);
  if (!(count >= 1)) throw new Error(`${op} cannot cut patches of ${patch} from an image of ${height} by ${width}`);
  return [batch, count, channels * patch * patch];
}

/** From an image to its patches. */
function patchBox(op: string, image: Shape, attributes: Attributes): CopyBox {
  const patch = numberAttribute(op, attributes, 'patchSize');
  const [batch = 1, channels = 1, height = 1, width = 1] = image;
  const [imageStride = 1, channelStride = 1, rowStride = 1] = stridesOf(image);
  const sizes = [batch, Math.floor(height / patch), Math.floor(width / patch), channels, patch, patch];
  const from = [imageStride, patch * rowStride, patch, channelStride, rowStride, 1];
  const to = stridesOf(sizes);
  return { dimensions: sizes.map((size, d) => ({ size, from: from[d] ?? 1, to: to[d] ?? 1 })) };
}

function turned(box: CopyBox): CopyBox {
  return { dimensions: box.dimensions.map(({ size, from, to }) => ({ size, from: to, to: from })) };
}
