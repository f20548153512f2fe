/**
 * What the kernels of attention's gradients have in common: they read [q, k, v, keyLengths, do, statistics, optionally bias], statistics
 * from attentionStatistics, attributes and scores as of attention.
 */
import type { DispatchPlan, LoweringContext, StepParameters, TensorBinding, Values } from '../op.ts';
import type { OpNode, TensorSpec } from '../tensor.ts';
import { cappedScore, dotRows, visiblePairs, type VisiblePair } from './attentionReference.ts';
import {
  attentionConditions,
  attentionPieces,
  attentionShape,
  type AttentionShape,
  type Tiling,
} from './attentionShape.ts';
import { inputOf, operand, requireShape, valuesOf } from './operands.ts';

/** Throws where the operands do not fit. */
export function gradientShape(
  op: string,
  inputs: readonly (TensorSpec | undefined)[],
  attributes: Readonly<Record<string, unknown>>,
): AttentionShape {
  const shape = attentionShape(op, inputs, attributes, inputs[6]);
  const { batches, queryHeads, queryRows } = shape;
  requireShape(op, 'do', operand(op, inputs, 4).shape, operand(op, inputs, 0).shape);
  requireShape(op, 'statistics', operand(op, inputs, 5).shape, [batches, queryHeads, queryRows, 2]);
  return shape;
}

/** Every visible pair with p_ij = exp(s_ij − lse_i) and its score's slope, p_ij (do_i·v_j − delta_i), behind the cap's. */
export function* slopedPairs(
  shape: AttentionShape,
  inputs: readonly (Values | undefined)[],
  step: StepParameters,
): Generator<VisiblePair & { readonly weight: number; readonly slope: number }> {
  const [q, k, v, lengths] = [valuesOf(inputs, 0), valuesOf(inputs, 1), valuesOf(inputs, 2), valuesOf(inputs, 3)];
  const [dOutput, statistics] = [valuesOf(inputs, 4), valuesOf(inputs, 5)];
  const { headSize, scale } = shape;
  for (const pair of visiblePairs(shape, lengths, step, inputs[6])) {
    const { query, key, statistic, bias } = pair;
    const capped = cappedScore(shape, scale * dotRows(q, query, k, key, headSize) + bias);
    const weight = Math.exp(capped.score - statistics[statistic * 2]!);
    const delta = statistics[statistic * 2 + 1]!;
    yield { ...pair, weight, slope: weight * capped.slope * (dotRows(dOutput, query, v, key, headSize) - delta) };
  }
}

/** @param outputs what the kernel binds at 7 and 8; where nothing stands at 8, the bias table, if any */
export function gradientDispatches(
  kernel: string,
  node: OpNode,
  { tiling, flopsPerPair }: { readonly tiling: (shape: AttentionShape) => Tiling; readonly flopsPerPair: number },
  outputs: Readonly<Record<7, TensorBinding> & Partial<Record<8, TensorBinding>>>,
  context: LoweringContext,
): DispatchPlan[] {
  const shape = gradientShape(node.op, node.inputs, node.attributes);
  const pieces = attentionPieces(shape, tiling(shape), flopsPerPair, context.flopsPerDispatch);
  const bias = node.inputs[6];
  return pieces.map(({ params, grid, flops }) => ({
    kernel: { module: kernel, conditions: attentionConditions(shape) },
    params,
    bindings: {
      1: { tensor: inputOf(node, 0) },
      2: { tensor: inputOf(node, 1) },
      3: { tensor: inputOf(node, 2) },
      4: { tensor: inputOf(node, 3) },
      5: { tensor: inputOf(node, 4) },
      6: { tensor: inputOf(node, 5) },
      8: bias && { tensor: bias },
      ...outputs,
    },
    grid,
    flops,
  }));
}
