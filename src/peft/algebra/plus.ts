import type { Matrix } from './matrix.ts';

/** weight + factor · delta, both [rows, columns]. */
export function plus(weight: Float32Array, delta: Matrix, factor = 1): Float32Array {
  return weight.map((x, i) => x + factor * (delta.data[i] ?? 0));
}
