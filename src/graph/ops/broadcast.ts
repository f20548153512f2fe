import { sizeOf, type Shape } from '../tensor.ts';

/** NumPy's rule: shapes are aligned at their last dimension, and a dimension of 1 stretches. */
export function broadcastShapes(a: Shape, b: Shape, op: string): number[] {
  const rank = Math.max(a.length, b.length);
  const left = padLeft(a, rank);
  const right = padLeft(b, rank);
  return left.map((size, i) => {
    const other = right[i] ?? 1;
    if (size !== other && size !== 1 && other !== 1)
      throw new Error(`${op} cannot broadcast [${a.join(', ')}] against [${b.join(', ')}]`);
    return size === 1 ? other : size;
  });
}

/** Elements between neighbours along each dimension of a contiguous tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = (strides[i + 1] ?? 1) * (shape[i + 1] ?? 1);
  return strides;
}

/** Strides of `shape` seen as `output`: 0 where it stretches. */
export function broadcastStrides(shape: Shape, output: Shape): number[] {
  const padded = padLeft(shape, output.length);
  return stridesOf(padded).map((stride, i) => (padded[i] === 1 ? 0 : stride));
}

/** The element of a tensor with `strides` that lies under element `i` of an output of `shape`. */
export function elementAt(i: number, shape: Shape, strides: readonly number[]): number {
  let rest = i;
  let element = 0;
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = shape[d] ?? 1;
    element += (rest % size) * (strides[d] ?? 0);
    rest = Math.floor(rest / size);
  }
  return element;
}

/**
 * How a broadcast operand lies under its output when it stretches only at the front, at the back, or at both:
 * element of the operand = (i / divisor) mod modulus. Undefined when it stretches in between.
 */
export function broadcastWindow(shape: Shape, output: Shape): { divisor: number; modulus: number } | undefined {
  const padded = padLeft(shape, output.length);
  const matching = output.map((size, d) => size > 1 && padded[d] === size);
  const first = matching.indexOf(true);
  if (first < 0) return { divisor: 1, modulus: 1 };
  const last = matching.lastIndexOf(true);
  const hasGap = output.slice(first, last + 1).some((size, d) => size > 1 && padded[first + d] === 1);
  return hasGap ? undefined : { divisor: sizeOf(output.slice(last + 1)), modulus: sizeOf(shape) };
}

/** Runs of neighbouring dimensions of `output` along which `shape` stretches: what a gradient must be summed over. */
export function stretchedRuns(shape: Shape, output: Shape): number[][] {
  const padded = padLeft(shape, output.length);
  const runs: number[][] = [];
  output.forEach((size, d) => {
    if (padded[d] === size) return;
    const run = runs.at(-1);
    if (run?.at(-1) === d - 1) run.push(d);
    else runs.push([d]);
  });
  return runs;
}

function padLeft(shape: Shape, rank: number): number[] {
  return [...new Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape];
}
