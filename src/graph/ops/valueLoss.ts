import type { OpDefinition, Values } from '../op.ts';
import type { TensorSpec } from '../tensor.ts';
import { choiceAttribute } from './attributes.ts';
import { flatGrid, splitOutputs } from './grid.ts';
import { inputOf, operand, outputOf, requireShape, valuesOf } from './operands.ts';

/** exp and log counted as ten each */
const flopsPerElement = 30;

function shapeOf(inputs: readonly (TensorSpec | undefined)[], attributes: Readonly<Record<string, unknown>>) {
  const isLogistic = choiceAttribute('valueLoss', attributes, 'kind', ['squared', 'logistic']) === 'logistic';
  const { shape } = operand('valueLoss', inputs, 0);
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2) throw new Error(`valueLoss wants logits [rows, labels] but they are [${shape.join(', ')}]`);
  requireShape('valueLoss', 'targets', operand('valueLoss', inputs, 1).shape, shape);
  return { shape, rows, columns, isLogistic };
}

/**
 * [logits x [R, L], targets t [R, L]] → [dx [R, L] in place over the logits, losses [R]], the sum of each row's losses, not scaled.
 * `kind` squared: (x − t)², dx = 2 (x − t), torch's MSELoss (regression). logistic: log(1 + eˣ) − x·t, dx = σ(x) − t, torch's
 * BCEWithLogitsLoss (several labels). dx is scaled by step.inverseTargets and formed in the same pass, so the op has no gradient rule.
 */
export const valueLoss: OpDefinition = {
  name: 'valueLoss',
  inPlace: { input: 0 },

  infer(inputs, attributes) {
    const { shape, rows } = shapeOf(inputs, attributes);
    return [
      { shape, dtype: 'f32' },
      { shape: [rows], dtype: 'f32' },
    ];
  },

  reference(inputs, node, step): Values[] {
    const { rows, columns, isLogistic } = shapeOf(node.inputs, node.attributes);
    const [logits, targets] = [valuesOf(inputs, 0), valuesOf(inputs, 1)];
    const gradient = new Float64Array(rows * columns);
    const losses = new Float64Array(rows);
    gradient.forEach((_, i) => {
      const [x = NaN, t = NaN] = [logits[i], targets[i]];
      const row = Math.floor(i / columns);
      const loss = isLogistic ? Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x))) : (x - t) ** 2;
      losses[row] = (losses[row] ?? 0) + loss;
      gradient[i] = (isLogistic ? 1 / (1 + Math.exp(-x)) - t : 2 * (x - t)) * step.inverseTargets;
    });
    return [gradient, losses];
  },

  lower(node, context) {
    const { rows, columns, isLogistic } = shapeOf(node.inputs, node.attributes);
    return splitOutputs(rows, columns * flopsPerElement, context.flopsPerDispatch).map(({ start, count }) => ({
      kernel: { module: 'loss/values' },
      params: [start, count, columns, isLogistic ? 1 : 0],
      bindings: {
        1: { tensor: outputOf(node, 0) },
        2: { tensor: inputOf(node, 1) },
        3: { tensor: outputOf(node, 1) },
      },
      grid: flatGrid(count),
      flops: count * columns * flopsPerElement,
    }));
  },
};
