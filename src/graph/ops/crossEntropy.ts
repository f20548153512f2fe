import type { DispatchPlan, OpDefinition, Values } from '../op.ts';
import type { OpNode, Tensor, TensorSpec } from '../tensor.ts';
import { splitOutputs } from './grid.ts';
import { inputOf, operand, outputOf, requireShape, valuesOf } from './operands.ts';

/** The target of a row that is there only to fill a batch. */
export const unusedTarget = 0xffffffff;

/** exp counted as ten */
const flopsPerElement = 30;

function rowsOf(op: string, inputs: readonly (TensorSpec | undefined)[]) {
  const { shape } = operand(op, inputs, 0);
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2) throw new Error(`${op} wants logits [rows, classes] but they are [${shape.join(', ')}]`);
  requireShape(op, 'targets', operand(op, inputs, 1).shape, [rows]);
  return { shape, rows, columns };
}

function lowerRows(
  node: OpNode,
  gradient: boolean,
  tensors: { logits: Tensor; losses: Tensor; hits?: Tensor },
  flopsPerDispatch: number,
): DispatchPlan[] {
  const { rows, columns } = rowsOf(node.op, node.inputs);
  const { logits, losses, hits } = tensors;
  return splitOutputs(rows, columns * flopsPerElement, flopsPerDispatch).map((piece) => ({
    kernel: { module: 'loss/cross_entropy', conditions: { GRADIENT: gradient } },
    params: [piece.start, columns],
    bindings: {
      1: { tensor: logits },
      2: { tensor: inputOf(node, 1) },
      3: { tensor: losses },
      4: hits && { tensor: hits },
    },
    grid: [piece.count, 1, 1],
    flops: piece.count * columns * flopsPerElement,
  }));
}

/** log Σ exp over a row. */
function logSumExp(row: Values): number {
  let highest = -Infinity;
  for (const x of row) highest = Math.max(highest, x);
  let sum = 0;
  for (const x of row) sum += Math.exp(x - highest);
  return highest + Math.log(sum);
}

/**
 * [logits [R, V], targets u32 [R]] → [dlogits [R, V] in place over the logits, losses [R]].
 * losses = lse − logit[target], not scaled; dlogits = (softmax − onehot)·step.inverseTargets: the gradient is formed in the same pass,
 * so the op has no gradient rule. A target of 0xFFFFFFFF marks an unused row: 0 in both. After llm.c's fused classifier.
 */
export const crossEntropy: OpDefinition = {
  name: 'crossEntropy',
  inPlace: { input: 0 },
  infer(inputs) {
    const { shape, rows } = rowsOf('crossEntropy', inputs);
    return [
      { shape, dtype: 'f32' },
      { shape: [rows], dtype: 'f32' },
    ];
  },
  reference(inputs, node, step) {
    const { rows, columns } = rowsOf('crossEntropy', node.inputs);
    const [logits, targets] = [valuesOf(inputs, 0), valuesOf(inputs, 1)];
    const dlogits = new Float64Array(rows * columns);
    const losses = new Float64Array(rows);
    for (let r = 0; r < rows; r++) {
      const target = targets[r]!;
      if (target === unusedTarget) continue;
      const row = logits.subarray(r * columns, (r + 1) * columns);
      const lse = logSumExp(row);
      losses[r] = lse - row[target]!;
      row.forEach((x, c) => {
        dlogits[r * columns + c] = (Math.exp(x - lse) - Number(c === target)) * step.inverseTargets;
      });
    }
    return [dlogits, losses];
  },
  lower(node, context) {
    const tensors = { logits: outputOf(node, 0), losses: outputOf(node, 1) };
    return lowerRows(node, true, tensors, context.flopsPerDispatch);
  },
};

/**
 * [logits [R, V], targets u32 [R]] → [losses [R], hits [R]] for evaluation: hits = 1 where the target has the highest logit
 * (the first of equals wins, as in argmax). Unused rows (0xFFFFFFFF) give 0 in both.
 */
export const crossEntropyLoss: OpDefinition = {
  name: 'crossEntropyLoss',
  infer(inputs) {
    const { rows } = rowsOf('crossEntropyLoss', inputs);
    return [
      { shape: [rows], dtype: 'f32' },
      { shape: [rows], dtype: 'f32' },
    ];
  },
  reference(inputs, node) {
    const { rows, columns } = rowsOf('crossEntropyLoss', node.inputs);
    const [logits, targets] = [valuesOf(inputs, 0), valuesOf(inputs, 1)];
    const losses = new Float64Array(rows);
    const hits = new Float64Array(rows);
    for (let r = 0; r < rows; r++) {
      const target = targets[r]!;
      if (target === unusedTarget) continue;
      const row = logits.subarray(r * columns, (r + 1) * columns);
      losses[r] = logSumExp(row) - row[target]!;
      hits[r] = Number(row.every((x, c) => (c < target ? x < row[target]! : x <= row[target]!)));
    }
    return [losses, hits];
  },
  lower(node, context) {
    const tensors = { logits: inputOf(node, 0), losses: outputOf(node, 0), hits: outputOf(node, 1) };
    return lowerRows(node, false, tensors, context.flopsPerDispatch);
  },
};
