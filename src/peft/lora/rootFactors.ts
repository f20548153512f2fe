import { transpose, type Matrix } from '../algebra/matrix.ts';
import type { Svd } from '../algebra/svd.ts';

/** A [r, in] and B [out, r] of a linear. */
export interface Factors {
  readonly a: Matrix;
  readonly b: Matrix;
}

/** A = √(S/s) Vᵀ and B = U √(S/s), so that s B A = U S Vᵀ. */
export function rootFactors({ u, values, vt }: Svd, scale: number): Factors {
  const roots = values.map((value) => Math.sqrt(value / scale));
  return { a: scaledRows(vt, roots), b: transpose(scaledRows(transpose(u), roots)) };
}

function scaledRows({ rows, columns, data }: Matrix, factors: Float64Array): Matrix {
  return { rows, columns, data: data.map((x, i) => x * (factors[Math.floor(i / columns)] ?? 0)) };
}
