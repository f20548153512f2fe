/**
 * Largest-Triangle-Three-Buckets (S. Steinarsson, 2013): picks `target` of the points so that the line looks the same.
 * The first, the last, the lowest and the highest point are always kept, so no spike is hidden. Points must be finite and sorted
 * by x. Returns indices in rising order, all of them where there are no more than `target`.
 */
export function thinnedIndices(xs: ArrayLike<number>, ys: ArrayLike<number>, target: number): number[] {
  const count = xs.length;
  if (count <= target || target < 5) return Array.from({ length: count }, (_, index) => index);
  // Two places are left for the extremes.
  const buckets = target - 4;
  const width = (count - 2) / buckets;
  const kept = new Set<number>([0, count - 1, indexOfExtreme(ys, -1), indexOfExtreme(ys, 1)]);
  let previous = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = 1 + Math.floor(bucket * width);
    const to = 1 + Math.floor((bucket + 1) * width);
    const next = averageOf(xs, ys, to, Math.min(count, 1 + Math.floor((bucket + 2) * width)));
    previous = largestTriangle(xs, ys, from, to, previous, next);
    kept.add(previous);
  }
  return [...kept].sort((a, b) => a - b);
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? 0;
}

function indexOfExtreme(values: ArrayLike<number>, sign: 1 | -1): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (sign * at(values, i) > sign * at(values, best)) best = i;
  return best;
}

/** The mean point of [from, to); past the end, the last point. */
function averageOf(xs: ArrayLike<number>, ys: ArrayLike<number>, from: number, to: number): { x: number; y: number } {
  if (from >= to) return { x: at(xs, xs.length - 1), y: at(ys, ys.length - 1) };
  let x = 0;
  let y = 0;
  for (let i = from; i < to; i++) {
    x += at(xs, i);
    y += at(ys, i);
  }
  return { x: x / (to - from), y: y / (to - from) };
}

/** Of [from, to), the index that spans the largest triangle with the point kept before it and the mean of the bucket after it. */
function largestTriangle(
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  from: number,
  to: number,
  previous: number,
  next: { x: number; y: number },
): number {
  const px = at(xs, previous);
  const py = at(ys, previous);
  let best = from;
  let largest = -1;
  for (let i = from; i < to; i++) {
    const area = Math.abs((px - next.x) * (at(ys, i) - py) - (px - at(xs, i)) * (next.y - py));
    if (area > largest) {
      largest = area;
      best = i;
    }
  }
  return best;
}
