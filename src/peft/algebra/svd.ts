import {
  dot,
  gram,
  matrixOfRows,
  product,
  productTransposed,
  rotateRows,
  rowOf,
  transpose,
  type Matrix,
} from './matrix.ts';
import { qr } from './qr.ts';
import { symmetricEigen } from './symmetricEigen.ts';

/**
 * A ≈ U · diag(values) · Vᵀ. The entry of largest magnitude in each row of Vᵀ is positive (as in scikit-learn's TruncatedSVD), so
 * that signs do not depend on how they were found.
 */
export interface Svd {
  /** [rows, rank], orthonormal columns */
  readonly u: Matrix;
  /** not negative, from the largest down */
  readonly values: Float64Array;
  /** [rank, columns], orthonormal rows */
  readonly vt: Matrix;
}

/** How many singular values are wanted, or a choice that sees all of them first. */
export type RankChoice = number | ((values: Float64Array) => number);

/**
 * The exact decomposition, or its leading part. The eigenvectors of the smaller Gram matrix separate the directions; Jacobi rotations
 * of the matrix in these directions (one-sided Jacobi: Drmač and Veselić, SIAM J. Matrix Anal. Appl. 29, 2008) then give the small
 * singular values the digits that squaring had cost them.
 *
 * With n the smaller side and m the larger: m n² / 2 multiplications for the Gram matrix, 4 n³ for its eigenvectors, and
 * m n · rank + m · rank² after that: 768 × 768 takes about 1.5 s at rank 16 and 5 s in full.
 */
export function svd(matrix: Matrix, rank: RankChoice = Math.min(matrix.rows, matrix.columns)): Svd {
  if (matrix.rows <= matrix.columns) return signed(svdOfWide(matrix, rank));
  const { u, values, vt } = svdOfWide(transpose(matrix), rank);
  return signed({ u: transpose(vt), values, vt: transpose(u) });
}

/** Of left [m, k] · right [k, n], which is never formed where k is the smallest of the three. */
export function svdOfProduct(left: Matrix, right: Matrix, rank: number): Svd {
  if (left.columns >= Math.min(left.rows, right.columns)) return svd(product(left, right), rank);
  const [outer, inner] = [qr(left), qr(transpose(right))];
  const { u, values, vt } = svd(productTransposed(outer.r, inner.r), Math.min(rank, left.columns));
  return signed({ u: product(outer.q, u), values, vt: productTransposed(vt, inner.q) });
}

/** Of a matrix with no more rows than columns. */
function svdOfWide(matrix: Matrix, rank: RankChoice): Svd {
  const eigen = symmetricEigen(gram(matrix));
  const lengths = eigen.values.map((value) => Math.sqrt(Math.max(0, value)));
  const left = eigen.vectors(Math.min(matrix.rows, typeof rank === 'number' ? rank : rank(lengths)));
  const scaled = product(left, matrix);
  orthogonalize(scaled, left);
  const sorted = sortByLength(scaled, left);
  return { u: transpose(sorted.companions), values: sorted.lengths, vt: orthonormalRows(sorted.rows) };
}

/** More sweeps than any matrix needs: a handful is usual. */
const mostSweeps = 40;

/** Rotates pairs of rows until all are orthogonal, and the companions with them. What is nothing beside the longest row stays as it is. */
function orthogonalize(matrix: Matrix, companions: Matrix): void {
  const rows = Array.from({ length: matrix.rows }, (_, i) => rowOf(matrix, i));
  const squares = Float64Array.from(rows, (row) => dot(row, row));
  const negligible = Number.EPSILON ** 2 * squares.reduce((most, square) => Math.max(most, square), 0);
  const tolerance = Number.EPSILON * Math.sqrt(matrix.columns);
  const rotatePair = (i: number, j: number, x: Float64Array, y: Float64Array): boolean => {
    const [a, b] = [squares[i] ?? 0, squares[j] ?? 0];
    if (Math.max(a, b) <= negligible) return false;
    const overlap = dot(x, y);
    if (Math.abs(overlap) <= tolerance * Math.sqrt(a * b)) return false;
    const ratio = (b - a) / (2 * overlap);
    const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.hypot(ratio, 1));
    const cosine = 1 / Math.hypot(1, tangent);
    for (const rotated of [matrix, companions]) rotateRows(rotated, i, j, cosine, cosine * tangent);
    squares[i] = dot(x, x);
    squares[j] = dot(y, y);
    return true;
  };
  for (let sweep = 0, rotations = 1; sweep < mostSweeps && rotations > 0; sweep++) {
    rotations = 0;
    for (const [i, x] of rows.entries())
      for (let j = i + 1; j < rows.length; j++) if (rotatePair(i, j, x, rows[j] ?? x)) rotations++;
  }
}

function sortByLength(matrix: Matrix, companions: Matrix): { rows: Matrix; companions: Matrix; lengths: Float64Array } {
  const lengths = Float64Array.from({ length: matrix.rows }, (_, i) =>
    Math.sqrt(dot(rowOf(matrix, i), rowOf(matrix, i))),
  );
  const order = Array.from(lengths.keys()).sort((i, j) => (lengths[j] ?? 0) - (lengths[i] ?? 0));
  const inOrder = (source: Matrix) =>
    matrixOfRows(
      source.columns,
      order.map((i) => rowOf(source, i)),
    );
  return {
    rows: inOrder(matrix),
    companions: inOrder(companions),
    lengths: lengths.map((_, i) => lengths[order[i] ?? 0] ?? 0),
  };
}

/** Rows that are orthogonal, scaled to length one; those without length become directions that are orthogonal to the rest. */
function orthonormalRows(rows: Matrix): Matrix {
  const { q, r } = qr(transpose(rows));
  const vt = transpose(q);
  for (let i = 0; i < vt.rows; i++) if ((r.data[i * r.columns + i] ?? 0) < 0) negate(rowOf(vt, i));
  return vt;
}

function signed({ u, values, vt }: Svd): Svd {
  const ut = transpose(u);
  for (let i = 0; i < vt.rows; i++) {
    const row = rowOf(vt, i);
    const largest = row.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
    if (largest < 0) for (const vector of [row, rowOf(ut, i)]) negate(vector);
  }
  return { u: transpose(ut), values, vt };
}

function negate(vector: Float64Array): void {
  for (let i = 0; i < vector.length; i++) vector[i] = -(vector[i] ?? 0);
}
