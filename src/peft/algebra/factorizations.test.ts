import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { randomNormals } from '../randomNumbers.ts';
import { leadingSvd, svdOfShare } from './leadingSvd.ts';
import { identity, matrixOf, product, rowOf, transpose, zeros, type Matrix } from './matrix.ts';
import { qr } from './qr.ts';
import { svd, svdOfProduct, type Svd } from './svd.ts';
import { truncatedSvd } from './truncatedSvd.ts';

interface Case {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly matrix: number[];
  readonly q: number[];
  readonly r: number[];
  readonly singularValues: number[];
}
const cases = JSON.parse(
  readFileSync(new URL('../../../tests/fixtures/algebra/factorizations.json', import.meta.url), 'utf8'),
) as Case[];

function random(rows: number, columns: number, name = 'test'): Matrix {
  return matrixOf(rows, columns, randomNormals(rows * columns, 7, `${name} ${rows} ${columns}`));
}

/** The largest difference of two lists of numbers of the same length. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] ?? NaN))), 0);
}

/** How far the columns are from orthonormal. */
function skew(matrix: Matrix): number {
  const overlaps = product(transpose(matrix), matrix);
  for (let i = 0; i < overlaps.rows; i++)
    overlaps.data[i * overlaps.rows + i] = (overlaps.data[i * overlaps.rows + i] ?? 0) - 1;
  return overlaps.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

function rebuilt({ u, values, vt }: Svd): Matrix {
  const scaled = { ...vt, data: vt.data.map((x, i) => x * (values[Math.floor(i / vt.columns)] ?? 0)) };
  return product(u, scaled);
}

/** Both factors orthonormal, and the values in order. */
function expectProper({ u, values, vt }: Svd, rank: number): void {
  expect([u.columns, values.length, vt.rows]).toEqual([rank, rank, rank]);
  expect(skew(u)).toBeLessThan(1e-12);
  expect(skew(transpose(vt))).toBeLessThan(1e-12);
  expect([...values].sort((a, b) => b - a)).toEqual([...values]);
}

describe.each(cases)('$name', ({ name, rows, columns, matrix: numbers, q, r, singularValues }) => {
  const matrix = matrixOf(rows, columns, numbers);

  it('has the Q and R of torch.linalg.qr, signs included', () => {
    const found = qr(matrix);
    expect(difference(product(found.q, found.r).data, numbers)).toBeLessThan(1e-12);
    expect(skew(found.q)).toBeLessThan(1e-12);
    expect(difference(found.r.data, r)).toBeLessThan(1e-8);
    // beyond the rank of the matrix Q is whatever rounding makes of it
    if (name !== 'rank two') expect(difference(found.q.data, q)).toBeLessThan(1e-8);
  });

  it('has the singular values of torch.linalg.svd, and is rebuilt from its parts', () => {
    const found = svd(matrix);
    expectProper(found, Math.min(rows, columns));
    expect(difference(found.values, singularValues)).toBeLessThan(1e-8);
    expect(difference(rebuilt(found).data, numbers)).toBeLessThan(1e-12);
  });
});

it('leaves off the rest of Q and R, and what is left is the same', () => {
  const matrix = random(9, 6);
  const [whole, leading] = [qr(matrix), qr(matrix, 2)];
  expect([leading.q.rows, leading.q.columns, leading.r.rows, leading.r.columns]).toEqual([9, 2, 2, 6]);
  expect(difference(leading.r.data, whole.r.data.subarray(0, 12))).toBe(0);
  expect(difference(transpose(leading.q).data, transpose(whole.q).data.subarray(0, 18))).toBe(0);
});

it('gives small singular values their digits, far below what the Gram matrix can hold', () => {
  // Hilbert's matrix; the values to 12 digits from computations in 50 digits
  const size = 8;
  const hilbert = matrixOf(
    size,
    size,
    Array.from({ length: size * size }, (_, i) => 1 / (Math.floor(i / size) + (i % size) + 1)),
  );
  const { values } = svd(hilbert);
  expect((values[7] ?? 0) / 1.11153896637e-10).toBeCloseTo(1, 5);
  expect((values[6] ?? 0) / 1.79887374582e-8).toBeCloseTo(1, 7);
});

describe('matrices that are hard to decompose', () => {
  const scaled = (matrix: Matrix, factor: (i: number) => number): Matrix => ({
    ...matrix,
    data: matrix.data.map((x, i) => x * factor(i)),
  });
  const orthogonal = qr(random(12, 12, 'orthogonal')).q;
  const repeated = scaled(orthogonal, (i) => [5, 5, 2, 0][(i % 12) % 4] ?? 0);
  it.each<[string, Matrix]>([
    ['the identity', identity(20)],
    ['repeated singular values, some of them zero', product(repeated, transpose(orthogonal))],
    ['the same number everywhere', { rows: 9, columns: 14, data: new Float64Array(126).fill(3) }],
    ['rows of zeros', scaled(random(16, 10), (i) => Math.floor(i / 10) % 2)],
    ['columns from large to small', scaled(random(15, 15), (i) => 10 ** -(i % 15))],
    ['rows from small to large', scaled(random(15, 18), (i) => 10 ** Math.floor(i / 18))],
    ['the smallest numbers that an f32 has', scaled(random(11, 8), () => 1e-44)],
    ['the largest', scaled(random(8, 11), () => 1e38)],
  ])('%s', (_, matrix) => {
    const found = svd(matrix);
    expectProper(found, Math.min(matrix.rows, matrix.columns));
    const largest = matrix.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(difference(rebuilt(found).data, matrix.data) / largest).toBeLessThan(1e-12);
  });
});

it('takes the leading part, or as many as a choice over all values says', () => {
  const matrix = random(20, 33);
  const whole = svd(matrix);
  const leading = svd(matrix, 3);
  expectProper(leading, 3);
  expect(difference(leading.values, whole.values.subarray(0, 3))).toBeLessThan(1e-12);
  expect(difference(leading.vt.data, whole.vt.data.subarray(0, 99))).toBeLessThan(1e-10);
  const chosen = svd(matrix, (values) => {
    expect(difference(values, whole.values)).toBeLessThan(1e-12);
    return 5;
  });
  expectProper(chosen, 5);
});

it('has as many directions as are asked for where the matrix has fewer, or none', () => {
  const low = product(random(12, 2, 'left'), random(2, 9, 'right'));
  const found = svd(low, 5);
  expectProper(found, 5);
  expect(found.values[2]).toBeLessThan(1e-13);
  expect(difference(rebuilt(found).data, low.data)).toBeLessThan(1e-13);
  const wide = product(random(200, 9, 'left'), random(9, 220, 'right'));
  expect(difference(rebuilt(svd(wide)).data, wide.data)).toBeLessThan(1e-11);
  expectProper(svd(zeros(4, 6)), 4);
  expectProper(svd(zeros(3, 2), 10), 2);
});

it('turns signs so that the largest entry of each right direction is positive', () => {
  for (const { vt } of [
    svd(random(8, 5)),
    svd(random(5, 8)),
    truncatedSvd(random(8, 8), 4, { iterations: 1, seed: 0 }),
  ])
    for (let i = 0; i < vt.rows; i++) {
      const row = [...rowOf(vt, i)];
      expect(Math.max(...row)).toBe(Math.max(...row.map(Math.abs)));
    }
});

it('decomposes a product without forming it', () => {
  const [left, right] = [random(30, 4, 'left'), random(4, 25, 'right')];
  const whole = svd(product(left, right), 4);
  const found = svdOfProduct(left, right, 4);
  expectProper(found, 4);
  expect(difference(found.values, whole.values)).toBeLessThan(1e-11);
  expect(difference(rebuilt(found).data, product(left, right).data)).toBeLessThan(1e-11);
  expectProper(svdOfProduct(left, right, 2), 2);
  expectProper(svdOfProduct(random(3, 6), random(6, 5), 3), 3);
});

describe('the randomised decomposition', () => {
  it('is exact where the matrix has few directions', () => {
    const low = product(random(40, 6, 'left'), random(6, 50, 'right'));
    const found = truncatedSvd(low, 6, { iterations: 0, seed: 3 });
    expectProper(found, 6);
    expect(difference(rebuilt(found).data, low.data)).toBeLessThan(1e-11);
  });

  it('comes nearer to the leading directions with each pass, and is the same for the same seed', () => {
    const matrix = random(60, 80);
    const { values } = svd(matrix, 4);
    const errors = [0, 2, 30].map((iterations) =>
      difference(truncatedSvd(matrix, 4, { iterations, seed: 1, oversampling: 4 }).values, values),
    );
    expect(errors[1]).toBeLessThan(errors[0] ?? 0);
    expect(errors[2]).toBeLessThan(1e-3);
    const [first, again, other] = [5, 5, 6].map((seed) => truncatedSvd(matrix, 4, { iterations: 1, seed }));
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('gives no more than the matrix has', () =>
    expectProper(truncatedSvd(random(3, 9), 5, { iterations: 2, seed: 0 }), 3));
});

describe('the leading part of a matrix', () => {
  it.each([
    ['few', product(random(120, 8, 'left'), random(8, 130, 'right'))],
    ['many', random(120, 130)],
  ])('of %s directions is that of the whole', (_, matrix) => {
    const whole = svd(matrix, 3);
    const found = leadingSvd(matrix, 3);
    expectProper(found, 3);
    expect(difference(found.values, whole.values)).toBeLessThan(1e-10);
    expect(difference(rebuilt(found).data, rebuilt(whole).data)).toBeLessThan(1e-9);
  });

  it('of few directions in single precision is right to that precision', () => {
    const single = matrixOf(300, 280, Float32Array.from(product(random(300, 8, 'left'), random(8, 280, 'right')).data));
    const [whole, found] = [svd(single, 8), svdOfShare(single, 1)];
    expectProper(found, 8);
    expect(difference(rebuilt(found).data, rebuilt(whole).data)).toBeLessThan(1e-5);
  });
});

describe('the leading part of a matrix with more than a thousand rows and columns', () => {
  const low = product(random(1030, 5, 'left'), random(5, 1040, 'right'));

  it('is found at a rank', () => {
    const found = leadingSvd(low, 5);
    expectProper(found, 5);
    expect(difference(rebuilt(found).data, low.data)).toBeLessThan(1e-10);
  });

  it('is as small as a share of the energy allows', () => {
    const { values } = leadingSvd(low, 5);
    const energies = values.map((value) => value ** 2);
    const whole = energies.reduce((sum, energy) => sum + energy);
    const ofThree = ((energies[0] ?? 0) + (energies[1] ?? 0) + (energies[2] ?? 0)) / whole;
    expectProper(svdOfShare(low, ofThree - 1e-6), 3);
    expectProper(svdOfShare(low, ofThree + 1e-6), 4);
    expectProper(svdOfShare(low, 1), 5);
  });
});
