import { randomNormals } from '../randomNumbers.ts';
import { matrixOf, product, productTransposed, transpose, type Matrix } from './matrix.ts';
import { qr } from './qr.ts';
import { svd, type Svd } from './svd.ts';

export interface TruncatedSvdOptions {
  /** passes over A·Aᵀ that draw the subspace towards the leading directions */
  readonly iterations: number;
  readonly seed: number;
  /** directions that are followed beside the wanted ones; 10 as in scikit-learn, where torch.svd_lowrank takes none */
  readonly oversampling?: number;
}

/**
 * The leading part of A = U · diag(values) · Vᵀ by a randomised range finder with power iterations (Halko, Martinsson and Tropp, SIAM
 * Review 53, 2011, algorithms 4.4 and 5.1): scikit-learn's TruncatedSVD with n_iter, torch.svd_lowrank with niter. Exact where the
 * matrix has no more directions than are followed.
 *
 * 2 · (iterations + 1) · rows · columns · (rank + oversampling) multiplications, and a transposed copy of the matrix.
 */
export function truncatedSvd(matrix: Matrix, rank: number, options: TruncatedSvdOptions): Svd {
  const { iterations, seed, oversampling = 10 } = options;
  const followed = Math.min(rank + oversampling, matrix.rows, matrix.columns);
  const transposed = transpose(matrix);
  const start = matrixOf(followed, matrix.columns, randomNormals(followed * matrix.columns, seed, 'truncatedSvd'));
  let range = qr(productTransposed(matrix, start)).q;
  for (let pass = 0; pass < iterations; pass++)
    range = qr(productTransposed(matrix, transpose(qr(product(transposed, range)).q))).q;
  const { u, values, vt } = svd(productTransposed(transpose(range), transposed), Math.min(rank, followed));
  return { u: product(range, u), values, vt };
}
