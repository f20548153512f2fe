import type { DispatchPlan, LoweringContext, Values } from '../op.ts';
import { sizeOf, type Tensor, type TensorSpec } from '../tensor.ts';
import { bindingStep, elementGrid, largestPiece, unalignedPart } from './pieces.ts';

/** One dimension of a box of elements: how many, and how far apart they lie on each side. */
export interface CopyDimension {
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

/** A box of elements to copy; starts in elements. */
export interface CopyBox {
  readonly dimensions: readonly CopyDimension[];
  readonly fromStart?: number;
  readonly toStart?: number;
}

const mostDimensions = 6;

/** Copies a box of elements from `x` to `y`, in halves where a side spans more than a binding. */
export function lowerStridedCopy(x: Tensor, y: Tensor, box: CopyBox, context: LoweringContext): DispatchPlan[] {
  const dimensions = merged(box.dimensions);
  if (dimensions.length > mostDimensions)
    throw new Error(`a copy over ${dimensions.length} dimensions is more than ${mostDimensions}`);
  return copyPieces(x, y, { dimensions, fromStart: box.fromStart ?? 0, toStart: box.toStart ?? 0 }, context);
}

/** Zeros of a tensor's type and size, for a reference. */
export function valuesLike({ shape, dtype }: TensorSpec): Values {
  return dtype === 'u32' ? new Uint32Array(sizeOf(shape)) : new Float64Array(sizeOf(shape));
}

/** What a copy makes of `x` in a tensor of zeros. */
export function copied(x: Values, like: TensorSpec, box: CopyBox): Values {
  const y = valuesLike(like);
  copyInto(y, x, box);
  return y;
}

/** The copy that the kernel makes, in plain TypeScript. */
export function copyInto(y: Values, x: Values, box: CopyBox): void {
  const count = sizeOf(box.dimensions.map(({ size }) => size));
  for (let i = 0; i < count; i++) {
    let rest = i;
    let from = box.fromStart ?? 0;
    let to = box.toStart ?? 0;
    for (const dimension of box.dimensions.toReversed()) {
      const index = rest % dimension.size;
      from += index * dimension.from;
      to += index * dimension.to;
      rest = (rest - index) / dimension.size;
    }
    y[to] = x[from] ?? NaN;
  }
}

/** Drops dimensions of 1 and joins neighbours that lie together on both sides. */
function merged(dimensions: readonly CopyDimension[]): CopyDimension[] {
  const result: CopyDimension[] = [];
  for (const inner of dimensions) {
    if (inner.size === 1) continue;
    const outer = result.at(-1);
    if (outer?.from === inner.from * inner.size && outer.to === inner.to * inner.size)
      result[result.length - 1] = { ...inner, size: outer.size * inner.size };
    else result.push(inner);
  }
  return result;
}

function copyPieces(x: Tensor, y: Tensor, box: Required<CopyBox>, context: LoweringContext): DispatchPlan[] {
  const { dimensions, fromStart, toStart } = box;
  const count = sizeOf(dimensions.map(({ size }) => size));
  const span = (side: 'from' | 'to') =>
    dimensions.reduce((sum, dimension) => sum + (dimension.size - 1) * dimension[side], 1);
  const most = largestPiece(context, 1) - bindingStep;
  if (count > 1 && Math.max(count, span('from'), span('to')) > most) {
    const [first, second] = halves(box, span('from') > span('to') ? 'from' : 'to');
    return [...copyPieces(x, y, first, context), ...copyPieces(x, y, second, context)];
  }
  const read = unalignedPart(x, fromStart, span('from'));
  const written = unalignedPart(y, toStart, span('to'));
  return [
    {
      kernel: { module: 'movement/strided' },
      params: [
        count,
        dimensions.length,
        read.base,
        written.base,
        ...dimensions.flatMap(({ size, from, to }) => [size, from, to, 0]),
      ],
      bindings: { 1: read.binding, 2: written.binding },
      grid: elementGrid(count),
      flops: count,
    },
  ];
}

/** Cuts the dimension that reaches farthest on one side. */
function halves(box: Required<CopyBox>, side: 'from' | 'to'): [Required<CopyBox>, Required<CopyBox>] {
  const reach = (dimension: CopyDimension) => (dimension.size - 1) * Math.max(1, dimension[side]);
  const farthest = box.dimensions.reduce(
    (best, dimension, d, all) => (reach(dimension) > reach(all[best] ?? dimension) ? d : best),
    0,
  );
  const cut = box.dimensions[farthest];
  if (!cut) throw new Error('a box of one element cannot be cut');
  const firstSize = Math.ceil(cut.size / 2);
  const withSize = (size: number) =>
    box.dimensions.map((dimension, d) => (d === farthest ? { ...dimension, size } : dimension));
  return [
    { ...box, dimensions: withSize(firstSize) },
    {
      dimensions: withSize(cut.size - firstSize),
      fromStart: box.fromStart + firstSize * cut.from,
      toStart: box.toStart + firstSize * cut.to,
    },
  ];
}
