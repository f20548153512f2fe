import type { DispatchPlan, LoweringContext, Values } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { flatGrid } from './grid.ts';
import { largestPiece, bindingStep, unalignedPart } from './pieces.ts';

/** In the order of the kernel's switch. */
const operations = ['sum', 'sumOfSquares', 'max'] as const;

/** A tensor seen as [outer, length, inner], reduced over the middle. */
export interface Slabs {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

export interface ReducePass {
  readonly operation: (typeof operations)[number];
  /** what is left of `length` after the pass */
  readonly segments: number;
  readonly factor?: number;
  /** first element of the output that is written; default 0 */
  readonly outputStart?: number;
}

/** Elements that one thread takes: enough work for a thread, enough threads for a GPU. */
const longestRun = 64;

/** What is left of a reduced length after each of the passes; the last is 1. Lengths shrink evenly, so that no pass is starved of threads. */
export function passLengths(length: number): number[] {
  const count = Math.max(1, Math.ceil(Math.log(length) / Math.log(longestRun) - 1e-9));
  return Array.from({ length: count }, (_, i) => Math.ceil(length ** (1 - (i + 1) / count) - 1e-9));
}

/** What one pass makes of `x`. */
export function reducePassReference(x: Values, { outer, length, inner }: Slabs, pass: ReducePass): Float64Array {
  const y = new Float64Array(outer * pass.segments * inner).fill(pass.operation === 'max' ? -Infinity : 0);
  for (let i = 0; i < outer * length * inner; i++) {
    const row = Math.floor(i / inner) % length;
    const slab = Math.floor(i / (inner * length));
    const at = (slab * pass.segments + (row % pass.segments)) * inner + (i % inner);
    const value = x[i] ?? NaN;
    const total = y[at] ?? NaN;
    y[at] =
      pass.operation === 'max' ? Math.max(total, value) : total + (pass.operation === 'sum' ? value : value * value);
  }
  return y;
}

/** One pass from `x` to `y`, in several dispatches where x is larger than a binding. */
export function lowerReducePass(
  x: Tensor,
  y: Tensor,
  slabs: Slabs,
  pass: ReducePass,
  context: LoweringContext,
): DispatchPlan[] {
  const { outer, length, inner } = slabs;
  const most = Math.max(1, largestPiece(context, 1) - bindingStep);
  const slabsEach = Math.max(1, Math.floor(most / (length * inner)));
  const rowsEach = slabsEach > 1 ? length : Math.max(1, Math.floor(most / inner));
  const plans: DispatchPlan[] = [];
  for (let slab = 0; slab < outer; slab += slabsEach) {
    const count = Math.min(slabsEach, outer - slab);
    for (let row = 0; row < length; row += rowsEach) {
      const rowEnd = Math.min(length, row + rowsEach);
      const threads = count * pass.segments * inner;
      const read = unalignedPart(x, (slab * length + row) * inner, ((count - 1) * length + rowEnd - row) * inner);
      const written = unalignedPart(y, (pass.outputStart ?? 0) + slab * pass.segments * inner, threads);
      plans.push({
        kernel: { module: 'reduce/segments' },
        params: [
          ...[threads, pass.segments, inner, length, row, rowEnd, read.base, written.base],
          ...[operations.indexOf(pass.operation), row > 0 ? 1 : 0],
          ...[{ f: pass.operation === 'max' ? -Infinity : 0 }, { f: pass.factor ?? 1 }],
        ],
        bindings: { 1: read.binding, 2: written.binding },
        grid: flatGrid(threads),
        flops: count * (rowEnd - row) * inner,
      });
    }
  }
  return plans;
}
