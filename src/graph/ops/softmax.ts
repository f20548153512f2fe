import type { DispatchPlan, LoweringContext, OpDefinition, Values } from '../op.ts';
import { asMatrix, type OpNode, type Tensor } from '../tensor.ts';
import { workgroupGrid } from './grid.ts';
import { lanesOf } from './norm.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { rowPieces, rowsPart } from './pieces.ts';

const workgroupSize = 64;
const flopsEach = 16;

/** y = exp(x) / Σ exp(x) over the last dimension. Works in x's storage. */
export const softmax: OpDefinition = {
  name: 'softmax',
  inPlace: { input: 0 },

  infer(inputs) {
    return [operand('softmax', inputs, 0)];
  },

  reference(inputs, node) {
    return [
      byRow(node, (columns) => {
        const x = Float64Array.from(valuesOf(inputs, 0).subarray(columns.start, columns.end));
        const largest = x.reduce((most, value) => Math.max(most, value), -Infinity);
        const powers = Float64Array.from(x, (value) => Math.exp(value - largest));
        const sum = powers.reduce((total, power) => total + power, 0);
        return powers.map((power) => power / sum);
      }),
    ];
  },

  gradient(graph, node, [dy]) {
    return [dy && graph.one('softmaxGradient', [dy, outputOf(node, 0)])];
  },

  lower(node, context) {
    return lowerRows('reduce/softmax', node, undefined, context);
  },
};

/** dx = y · (dy − Σ dy · y) over the last dimension; operands dy and y = softmax(x). Works in dy's storage. */
export const softmaxGradient: OpDefinition = {
  name: 'softmaxGradient',
  inPlace: { input: 0 },

  infer(inputs) {
    return [operand('softmaxGradient', inputs, 0)];
  },

  reference(inputs, node) {
    return [
      byRow(node, ({ start, end }) => {
        const dy = valuesOf(inputs, 0).subarray(start, end);
        const y = Float64Array.from(valuesOf(inputs, 1).subarray(start, end));
        const total = y.reduce((sum, value, i) => sum + value * (dy[i] ?? NaN), 0);
        return Float64Array.from(y, (value, i) => value * ((dy[i] ?? NaN) - total));
      }),
    ];
  },

  lower(node, context) {
    return lowerRows('reduce/softmax_gradient', node, inputOf(node, 1), context);
  },
};

function byRow(node: OpNode, compute: (row: { start: number; end: number }) => Values): Float64Array {
  const { rows, columns } = asMatrix(outputOf(node, 0).shape);
  const result = new Float64Array(rows * columns);
  for (let start = 0; start < result.length; start += columns)
    result.set(compute({ start, end: start + columns }), start);
  return result;
}

function lowerRows(module: string, node: OpNode, saved: Tensor | undefined, context: LoweringContext): DispatchPlan[] {
  const output = outputOf(node, 0);
  const { rows, columns } = asMatrix(output.shape);
  const lanes = lanesOf(columns);
  return rowPieces(rows, columns, context, flopsEach).map((piece) => ({
    kernel: { module },
    params: [piece.count, columns, lanes],
    bindings: { 1: rowsPart(output, piece, columns), 2: saved && rowsPart(saved, piece, columns) },
    grid: workgroupGrid(Math.ceil((piece.count * lanes) / workgroupSize)),
    flops: piece.count * columns * flopsEach,
  }));
}
