import { reflect, reflectionOf } from './householder.ts';
import { rowOf, transpose, zeros, type Matrix } from './matrix.ts';

export interface Qr {
  /** [rows, rank], orthonormal columns */
  readonly q: Matrix;
  /** [rank, columns], zero below the diagonal */
  readonly r: Matrix;
}

/**
 * A = Q R by Householder reflections, with the signs of LAPACK's geqrf and so of torch.linalg.qr: a diagonal entry of R is negative
 * where the entry that it replaces was positive, and keeps its sign where nothing stands below it.
 *
 * `rank` leaves off all but the first columns of Q and rows of R, which do not depend on the rest: 4 · rows · columns · rank operations.
 */
export function qr(matrix: Matrix, rank = Math.min(matrix.rows, matrix.columns)): Qr {
  // columns become rows, which lie in one piece
  const work = transpose(matrix);
  const reflections = Array.from({ length: rank }, (_, k) => {
    const reflection = reflectionOf(rowOf(work, k).subarray(k));
    for (let column = k; column < work.rows; column++) reflect(reflection, rowOf(work, column).subarray(k));
    return reflection;
  });
  const q = zeros(rank, matrix.rows);
  for (let column = 0; column < rank; column++) {
    const unit = rowOf(q, column);
    unit[column] = 1;
    for (let k = column; k >= 0; k--) reflect(reflections[k], unit.subarray(k));
  }
  return { q: transpose(q), r: upperTriangle(work, rank) };
}

/** The first rows of R, whose columns are the rows of `columns`. */
function upperTriangle(columns: Matrix, rank: number): Matrix {
  const r = zeros(rank, columns.rows);
  for (let i = 0; i < rank; i++)
    for (let j = i; j < columns.rows; j++) r.data[i * columns.rows + j] = columns.data[j * columns.columns + i] ?? 0;
  return r;
}
