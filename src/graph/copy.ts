import type { DispatchPlan, LoweringContext } from './op.ts';
import { elementGrid } from './ops/pieces.ts';
import { sizeOf, type Tensor } from './tensor.ts';

/** Copies the elements of one tensor to another of the same size, in pieces within the binding limit. */
export function copyDispatches(from: Tensor, to: Tensor, context: LoweringContext): DispatchPlan[] {
  const total = sizeOf(to.shape);
  const pieceElements = Math.floor(context.bindingLimit / 256) * 64;
  const plans: DispatchPlan[] = [];
  for (let start = 0; start < total; start += pieceElements) {
    const count = Math.min(pieceElements, total - start);
    const range = { offset: start * 4, size: count * 4 };
    plans.push({
      kernel: { module: 'movement/copy' },
      params: [count],
      bindings: { 1: { tensor: from, ...range }, 2: { tensor: to, ...range } },
      grid: elementGrid(count),
      flops: count,
      label: 'copy',
    });
  }
  return plans;
}
