import { reflect, reflectionOf, type Reflection } from './householder.ts';
import { addScaled, dot, identity, rotateRows, rowOf, zeros, type Matrix } from './matrix.ts';

export interface SymmetricEigen {
  /** from the largest down */
  readonly values: Float64Array;
  /** [count, n]: the eigenvectors of the `count` largest values, one a row */
  vectors(count: number): Matrix;
}

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** entry i stands between i and i + 1 of the diagonal; the last is zero */
  readonly beside: Float64Array;
  /** reflection k acts on the entries after k */
  readonly reflections: readonly (Reflection | undefined)[];
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix [n, n]: Householder's reduction to a tridiagonal one, then QL steps with implicit
 * shifts (Golub and Van Loan, Matrix Computations, §8.3). About n³ multiplications for the first and 3 n³ for the second.
 */
export function symmetricEigen(matrix: Matrix): SymmetricEigen {
  const { diagonal, beside, reflections } = tridiagonalize(matrix);
  const rotated = identity(matrix.rows);
  diagonalize(diagonal, beside, rotated);
  const order = Array.from(diagonal.keys()).sort((i, j) => (diagonal[j] ?? 0) - (diagonal[i] ?? 0));
  return {
    values: Float64Array.from(order, (i) => diagonal[i] ?? 0),
    vectors(count) {
      const vectors = zeros(count, matrix.rows);
      for (const [place, i] of order.slice(0, count).entries()) {
        const vector = rowOf(vectors, place);
        vector.set(rowOf(rotated, i));
        for (let k = reflections.length - 1; k >= 0; k--) reflect(reflections[k], vector.subarray(k + 1));
      }
      return vectors;
    },
  };
}

function tridiagonalize(matrix: Matrix): Tridiagonal {
  const size = matrix.rows;
  const work: Matrix = { ...matrix, data: matrix.data.slice() };
  const diagonal = new Float64Array(size);
  const beside = new Float64Array(size);
  const reflections: (Reflection | undefined)[] = [];
  for (let k = 0; k < size; k++) {
    diagonal[k] = work.data[k * size + k] ?? 0;
    const rest = rowOf(work, k).subarray(k + 1);
    const reflection = reflectionOf(rest);
    reflect(reflection, rest);
    beside[k] = rest[0] ?? 0;
    reflections.push(reflection);
    if (reflection) reflectBothSides(work, k + 1, reflection);
  }
  return { diagonal, beside, reflections };
}

/** H A H of the part of A from `start` on, by a change of rank two. */
function reflectBothSides(work: Matrix, start: number, { v, scale }: Reflection): void {
  const rows = Array.from(v, (_, i) => rowOf(work, start + i).subarray(start));
  const w = Float64Array.from(rows, (row) => scale * dot(row, v));
  addScaled(w, (-scale / 2) * dot(w, v), v);
  for (const [i, row] of rows.entries()) subtractTwo(row, v[i] ?? 0, w, w[i] ?? 0, v);
}

/** row −= a · x + b · y */
function subtractTwo(row: Float64Array, a: number, x: Float64Array, b: number, y: Float64Array): void {
  for (let i = 0; i < row.length; i++) row[i] = (row[i] ?? 0) - a * (x[i] ?? 0) - b * (y[i] ?? 0);
}

/** Steps that a value may take; two or three are usual. */
const mostSteps = 60;

/** Leaves the eigenvalues in `diagonal`, and rotates the rows along with them. */
function diagonalize(diagonal: Float64Array, beside: Float64Array, rows: Matrix): void {
  const largest = diagonal.reduce((most, x, i) => Math.max(most, Math.abs(x) + Math.abs(beside[i] ?? 0)), 0);
  // beside the largest entries, rounding writes this much into every other
  const negligible = (Number.EPSILON / 2) * largest;
  for (let start = 0; start < diagonal.length; start++)
    for (let steps = 0; ; steps++) {
      const end = endOfBlock(beside, start, negligible);
      if (end === start) break;
      if (steps === mostSteps)
        throw new Error('the eigenvalues did not settle: the matrix holds values that are not finite');
      stepQl(diagonal, beside, rows, start, end);
    }
}

/** The first index from `start` on after which the tridiagonal matrix falls apart. */
function endOfBlock(beside: Float64Array, start: number, negligible: number): number {
  let end = start;
  while (end < beside.length - 1 && !(Math.abs(beside[end] ?? 0) <= negligible)) end++;
  return end;
}

/** One QL step with Wilkinson's shift on the block from `start` to `end`: a rotation that starts at the end is chased to the start. */
function stepQl(diagonal: Float64Array, beside: Float64Array, rows: Matrix, start: number, end: number): void {
  const [first, second, link] = [diagonal[start] ?? 0, diagonal[start + 1] ?? 0, beside[start] ?? 0];
  const half = (second - first) / (2 * link);
  let g = (diagonal[end] ?? 0) - first + link / (half + (half < 0 ? -1 : 1) * Math.hypot(half, 1));
  let [sine, cosine, shift] = [1, 1, 0];
  for (let i = end - 1; i >= start; i--) {
    const f = sine * (beside[i] ?? 0);
    const b = cosine * (beside[i] ?? 0);
    const length = Math.hypot(f, g);
    beside[i + 1] = length;
    if (length === 0) {
      diagonal[i + 1] = (diagonal[i + 1] ?? 0) - shift;
      beside[end] = 0;
      return;
    }
    sine = f / length;
    cosine = g / length;
    const next = (diagonal[i + 1] ?? 0) - shift;
    const r = ((diagonal[i] ?? 0) - next) * sine + 2 * cosine * b;
    shift = sine * r;
    diagonal[i + 1] = next + shift;
    g = cosine * r - b;
    rotateRows(rows, i, i + 1, cosine, sine);
  }
  diagonal[start] = (diagonal[start] ?? 0) - shift;
  beside[start] = g;
  beside[end] = 0;
}
