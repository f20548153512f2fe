import type { Grid } from '../../gpu/kernel.ts';
import type { LoweringContext, TensorBinding } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { flatGrid, splitOutputs, type Piece } from './grid.ts';

/** Elements between the places where a binding may start: 256 bytes. */
export const bindingStep = 64;

/** Elements that a workgroup of an elementwise kernel takes: 256 threads, four elements each, 256 apart. */
const elementsPerWorkgroup = 1024;

/**
 * The grid of an elementwise kernel. Four elements a thread, read side by side by neighbours and spelled out rather than looped over:
 * on lavapipe a thread costs more than an element (one each 9 ns an element, four 2.7, a loop over eight 3.4; SwiftShader 40, 25, 42).
 */
export function elementGrid(count: number): Grid {
  return flatGrid(count, elementsPerWorkgroup);
}

/** Ranges of `count` elements, each within the binding limit and the work of one dispatch, that start where a binding may. */
export function elementPieces(count: number, context: LoweringContext, flopsEach = 1): Piece[] {
  return splitOutputs(count, 1, largestPiece(context, flopsEach), bindingStep);
}

/** Ranges of whole rows of a [rows, columns] matrix, each within the binding limit, that start where a binding may. */
export function rowPieces(rows: number, columns: number, context: LoweringContext, flopsEach = 1): Piece[] {
  const step = bindingStep / greatestCommonDivisor(bindingStep, columns);
  return splitOutputs(rows, columns, largestPiece(context, flopsEach), step);
}

/** The bytes of a range of elements. */
export function part(tensor: Tensor, piece: Piece): TensorBinding {
  return { tensor, offset: piece.start * 4, size: piece.count * 4 };
}

/** The bytes of a range of rows. */
export function rowsPart(tensor: Tensor, piece: Piece, columns: number): TensorBinding {
  return part(tensor, { start: piece.start * columns, count: piece.count * columns });
}

/** A range that may start anywhere: the binding begins where it may, `base` elements before the range. */
export function unalignedPart(tensor: Tensor, start: number, count: number): { binding: TensorBinding; base: number } {
  const base = start % bindingStep;
  return { binding: part(tensor, { start: start - base, count: base + count }), base };
}

/** The most elements that one binding takes and one dispatch works through, at `flopsEach`. */
export function largestPiece(context: LoweringContext, flopsEach: number): number {
  return Math.floor(Math.min(context.bindingLimit / 4, context.flopsPerDispatch / flopsEach));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
