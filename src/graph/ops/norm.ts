import type { DispatchPlan, LoweringContext, Values } from '../op.ts';
import type { Graph } from '../graph.ts';
import { asMatrix, type OpNode, type Shape, type Tensor, type TensorSpec } from '../tensor.ts';
import { workgroupGrid } from './grid.ts';
import { inputOf, operand, outputOf, requireShape, valuesOf } from './operands.ts';
import { rowPieces, rowsPart } from './pieces.ts';

/** What RMSNorm and LayerNorm share: their kernels under shaders/norm and their references. */
export interface NormKind {
  readonly op: string;
  /** LayerNorm takes the mean off first; RMSNorm does not */
  readonly centered: boolean;
}

const workgroupSize = 64;
const flopsPerElement = 8;

export function epsilonOf(node: OpNode): number {
  return Number(node.attributes['epsilon']);
}

/** x [..., H] and its vectors [H] (weight, bias); returns the matrix that x is. */
export function checkNorm(
  op: string,
  inputs: readonly (TensorSpec | undefined)[],
  vectors: Readonly<Record<number, string>>,
) {
  const { shape } = operand(op, inputs, 0);
  const matrix = asMatrix(shape);
  for (const [index, what] of Object.entries(vectors))
    requireShape(op, what, operand(op, inputs, Number(index)).shape, [matrix.columns]);
  return { shape, ...matrix };
}

/**
 * Neighbouring invocations that share a row: about sixteen values each, at most a workgroup. Fewer values to a lane would mean more
 * barriers for a row, which software drivers pay dearly; more would leave a GPU's lanes idle where rows are few.
 */
export function lanesOf(columns: number): number {
  return Math.min(workgroupSize, 2 ** Math.round(Math.log2(Math.max(1, columns / 16))));
}

export function lowerNorm(
  kind: NormKind,
  node: OpNode,
  operands: { x: Tensor; weight: Tensor; bias?: Tensor },
  context: LoweringContext,
): DispatchPlan[] {
  const { rows, columns } = asMatrix(operands.x.shape);
  const lanes = lanesOf(columns);
  return rowPieces(rows, columns, context, flopsPerElement).map((piece) => ({
    kernel: { module: 'norm/forward' },
    params: [piece.count, columns, lanes, Number(kind.centered), Number(!!operands.bias), { f: epsilonOf(node) }],
    bindings: {
      1: rowsPart(operands.x, piece, columns),
      2: { tensor: operands.weight },
      3: operands.bias && { tensor: operands.bias },
      4: rowsPart(outputOf(node, 0), piece, columns),
    },
    grid: workgroupGrid(Math.ceil((piece.count * lanes) / workgroupSize)),
    flops: piece.count * columns * flopsPerElement,
  }));
}

/** Outputs of a gradient op: dx and, where `keepStatistics` asks for them, the mean and rstd of each row [rows, 2]. */
export function gradientSpecs(shape: Shape, keepStatistics: boolean): TensorSpec[] {
  const dx: TensorSpec = { shape, dtype: 'f32' };
  return keepStatistics ? [dx, { shape: [asMatrix(shape).rows, 2], dtype: 'f32' }] : [dx];
}

export function lowerNormGradient(kind: NormKind, node: OpNode, context: LoweringContext): DispatchPlan[] {
  const [x, weight, dy] = [inputOf(node, 0), inputOf(node, 1), inputOf(node, 2)];
  const statistics = node.outputs[1];
  const { rows, columns } = asMatrix(x.shape);
  const lanes = lanesOf(columns);
  return rowPieces(rows, columns, context, 2 * flopsPerElement).map((piece) => ({
    kernel: { module: 'norm/input_gradient' },
    params: [
      piece.count,
      columns,
      lanes,
      Number(kind.centered),
      Number(!!statistics),
      piece.start,
      { f: epsilonOf(node) },
    ],
    bindings: {
      1: rowsPart(x, piece, columns),
      2: { tensor: weight },
      3: rowsPart(dy, piece, columns),
      4: rowsPart(outputOf(node, 0), piece, columns),
      5: statistics && { tensor: statistics },
    },
    grid: workgroupGrid(Math.ceil((piece.count * lanes) / workgroupSize)),
    flops: piece.count * columns * 2 * flopsPerElement,
  }));
}

/** The gradient rule of a norm with inputs x, weight and perhaps bias. */
export function normGradient(
  graph: Graph,
  node: OpNode,
  dy: Tensor | undefined,
  [x = false, weight = false, bias = false]: readonly boolean[],
): (Tensor | undefined)[] {
  if (!dy) return [];
  const dbias = bias ? graph.one('sumRows', [dy]) : undefined;
  if (!x && !weight) return [undefined, undefined, dbias];
  const [input, vector] = node.inputs;
  const attributes = { ...node.attributes, keepStatistics: weight };
  const [dx, statistics] = graph.apply(`${node.op}Gradient`, [input, vector, dy], attributes);
  const partials = statistics && graph.one('normWeightGradient', [input, statistics, dy]);
  return [dx, partials && graph.one('sumRows', [partials]), dbias];
}

/** Mean (0 unless centered) and rstd of a row. */
function statisticsOf(kind: NormKind, row: Values, epsilon: number): { mean: number; rstd: number } {
  let mean = 0;
  if (kind.centered) for (const value of row) mean += value / row.length;
  let variance = 0;
  for (const value of row) variance += (value - mean) ** 2 / row.length;
  return { mean, rstd: 1 / Math.sqrt(variance + epsilon) };
}

export function referenceNorm(kind: NormKind, node: OpNode, x: Values, weight: Values, bias?: Values): Float64Array {
  const columns = weight.length;
  const y = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += columns) {
    const { mean, rstd } = statisticsOf(kind, x.subarray(start, start + columns), epsilonOf(node));
    for (let c = 0; c < columns; c++) y[start + c] = (x[start + c]! - mean) * rstd * weight[c]! + (bias?.[c] ?? 0);
  }
  return y;
}

/** dx, and the mean and rstd of each row. Inputs: x, weight, dy. */
export function referenceNormGradient(
  kind: NormKind,
  node: OpNode,
  inputs: readonly (Values | undefined)[],
): Float64Array[] {
  const [x, weight, dy] = [valuesOf(inputs, 0), valuesOf(inputs, 1), valuesOf(inputs, 2)];
  const columns = weight.length;
  const rows = x.length / columns;
  const dx = new Float64Array(x.length);
  const statistics = new Float64Array(rows * 2);
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    const { mean, rstd } = statisticsOf(kind, x.subarray(start, start + columns), epsilonOf(node));
    statistics.set([mean, rstd], row * 2);
    const normalised = (c: number) => (x[start + c]! - mean) * rstd;
    let meanG = 0;
    let meanProduct = 0;
    for (let c = 0; c < columns; c++) {
      const g = dy[start + c]! * weight[c]!;
      if (kind.centered) meanG += g / columns;
      meanProduct += (g * normalised(c)) / columns;
    }
    for (let c = 0; c < columns; c++)
      dx[start + c] = rstd * (dy[start + c]! * weight[c]! - meanG - normalised(c) * meanProduct);
  }
  return [dx, statistics].slice(0, node.outputs.length);
}
