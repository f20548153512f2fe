import type { OpDefinition, Values } from '../op.ts';
import { asMatrix, sizeOf, type TensorSpec } from '../tensor.ts';
import { numberAttribute } from './attributes.ts';
import { lowerFill } from './fill.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { elementGrid, rowPieces, rowsPart } from './pieces.ts';

/** The row number that names no row. */
export const noRow = 0xffffffff;

/**
 * y[r] = x[rows[r]]: x [..., H] seen as rows, rows u32 [R] → [R, H]. `noRow` gives zeros. Rows must be distinct (but for `noRow`)
 * where a gradient is wanted: the gradient writes each row once.
 */
export const gatherRows: OpDefinition = {
  name: 'gatherRows',

  infer(inputs) {
    const x = operand('gatherRows', inputs, 0);
    return [{ shape: [rowCountOf('gatherRows', inputs), asMatrix(x.shape).columns], dtype: x.dtype }];
  },

  reference(inputs, node) {
    const { rows, columns } = asMatrix(inputOf(node, 0).shape);
    const x = valuesOf(inputs, 0);
    return [
      copyRows(x, sizeOf(outputOf(node, 0).shape), columns, valuesOf(inputs, 1), (row, r) =>
        row < rows ? [row, r] : undefined,
      ),
    ];
  },

  gradient(graph, node, [dy]) {
    const { shape } = inputOf(node, 0);
    const rowCount = asMatrix(shape).rows;
    return [dy && graph.reshape(graph.one('scatterAddRows', [dy, node.inputs[1]], { rowCount }), shape)];
  },

  lower(node, context) {
    const x = inputOf(node, 0);
    const y = outputOf(node, 0);
    const { rows, columns } = asMatrix(x.shape);
    const pieces = rowPieces(asMatrix(y.shape).rows, columns, context);
    return pieces.flatMap((made) =>
      rowPieces(rows, columns, context).map((read, i) => ({
        kernel: { module: 'movement/gather_rows' },
        params: [made.count * columns, columns, made.start, read.start, read.count, i === 0 ? 1 : 0],
        bindings: { 1: rowsPart(x, read, columns), 2: { tensor: inputOf(node, 1) }, 3: rowsPart(y, made, columns) },
        grid: elementGrid(made.count * columns),
        flops: made.count * columns,
      })),
    );
  },
};

/**
 * y[rows[r]] = x[r], zero elsewhere: x [R, H], rows u32 [R], distinct but for `noRow`, which is skipped → [rowCount, H].
 * Attribute: rowCount. The gradient of gatherRows, and the other way round.
 */
export const scatterAddRows: OpDefinition = {
  name: 'scatterAddRows',

  infer(inputs, attributes) {
    const x = operand('scatterAddRows', inputs, 0);
    const { rows, columns } = asMatrix(x.shape);
    const named = rowCountOf('scatterAddRows', inputs);
    if (named !== rows) throw new Error(`scatterAddRows has ${rows} rows to place but ${named} row numbers`);
    return [{ shape: [numberAttribute('scatterAddRows', attributes, 'rowCount'), columns], dtype: x.dtype }];
  },

  reference(inputs, node) {
    const { shape } = outputOf(node, 0);
    const { rows, columns } = asMatrix(shape);
    const x = valuesOf(inputs, 0);
    return [copyRows(x, sizeOf(shape), columns, valuesOf(inputs, 1), (row, r) => (row < rows ? [r, row] : undefined))];
  },

  gradient(graph, node, [dy]) {
    const x = inputOf(node, 0);
    return [dy && graph.reshape(graph.one('gatherRows', [dy, node.inputs[1]]), x.shape)];
  },

  lower(node, context) {
    const x = inputOf(node, 0);
    const y = outputOf(node, 0);
    const { rows, columns } = asMatrix(y.shape);
    const scatter = rowPieces(asMatrix(x.shape).rows, columns, context).flatMap((read) =>
      rowPieces(rows, columns, context).map((made) => ({
        kernel: { module: 'movement/scatter_rows' },
        params: [read.count * columns, columns, read.start, made.start, made.count],
        bindings: { 1: rowsPart(x, read, columns), 2: { tensor: inputOf(node, 1) }, 3: rowsPart(y, made, columns) },
        grid: elementGrid(read.count * columns),
        flops: read.count * columns,
      })),
    );
    return [...lowerFill(y, context), ...scatter];
  },
};

function rowCountOf(op: string, inputs: readonly (TensorSpec | undefined)[]): number {
  const rows = operand(op, inputs, 1);
  if (rows.dtype !== 'u32') throw new Error(`${op} wants its row numbers as u32`);
  return sizeOf(rows.shape);
}

/** Copies the rows that `place` pairs up as [source row, target row]. */
function copyRows(
  x: Values,
  size: number,
  columns: number,
  rows: Values,
  place: (row: number, r: number) => [number, number] | undefined,
): Values {
  const y = x instanceof Uint32Array ? new Uint32Array(size) : new Float64Array(size);
  rows.forEach((row, r) => {
    const pair = place(row, r);
    if (pair) y.set(x.subarray(pair[0] * columns, (pair[0] + 1) * columns), pair[1] * columns);
  });
  return y;
}
