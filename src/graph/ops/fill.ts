import type { DispatchPlan, LoweringContext } from '../op.ts';
import { sizeOf, type Tensor } from '../tensor.ts';
import { elementGrid, elementPieces, part } from './pieces.ts';

/** Dispatches that write the same 32-bit word, by default zero, to every element. */
export function lowerFill(y: Tensor, context: LoweringContext, word = 0): DispatchPlan[] {
  return elementPieces(sizeOf(y.shape), context).map((piece) => ({
    kernel: { module: 'movement/fill' },
    params: [piece.count, word],
    bindings: { 1: part(y, piece) },
    grid: elementGrid(piece.count),
    flops: piece.count,
  }));
}
