/** Dense matrices for work on weights outside the GPU: starts from a factorisation, blends and conversions of adapters. */

/** Row-major, in double precision: factorisations of f32 weights then lose nothing that f32 can show. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** entry (i, j) is at i · columns + j */
  readonly data: Float64Array;
}

export function zeros(rows: number, columns: number): Matrix {
  return { rows, columns, data: new Float64Array(rows * columns) };
}

export function identity(size: number): Matrix {
  const matrix = zeros(size, size);
  for (let i = 0; i < size; i++) matrix.data[i * size + i] = 1;
  return matrix;
}

/** A copy of row-major values, such as a tensor [rows, columns]. Throws an Error where their number does not fit. */
export function matrixOf(rows: number, columns: number, values: ArrayLike<number>): Matrix {
  if (values.length !== rows * columns)
    throw new Error(`a matrix of ${rows} × ${columns} does not hold ${values.length} numbers`);
  return { rows, columns, data: Float64Array.from(values) };
}

/** A view of one row. */
export function rowOf({ columns, data }: Matrix, row: number): Float64Array {
  return data.subarray(row * columns, (row + 1) * columns);
}

/** A copy of the first rows. */
export function leadingRows({ columns, data }: Matrix, rows: number): Matrix {
  return { rows, columns, data: data.slice(0, rows * columns) };
}

export function matrixOfRows(columns: number, rows: readonly ArrayLike<number>[]): Matrix {
  const matrix = zeros(rows.length, columns);
  for (const [i, row] of rows.entries()) matrix.data.set(row, i * columns);
  return matrix;
}

/** Sides of the tiles that the caches hold while a matrix is transposed. */
const tile = 32;

export function transpose({ rows, columns, data }: Matrix): Matrix {
  const result = zeros(columns, rows);
  const target = result.data;
  for (let top = 0; top < rows; top += tile)
    for (let left = 0; left < columns; left += tile)
      for (let i = top; i < Math.min(rows, top + tile); i++)
        for (let j = left; j < Math.min(columns, left + tile); j++) target[j * rows + i] = data[i * columns + j] ?? 0;
  return result;
}

/** A · B */
export function product(a: Matrix, b: Matrix): Matrix {
  return productTransposed(a, transpose(b));
}

/** A · Bᵀ: [m, k] · [n, k]ᵀ → [m, n], m·n·k multiplications. Rows run along k in both, so that memory is read in order. */
export function productTransposed(a: Matrix, b: Matrix): Matrix {
  if (a.columns !== b.columns) throw new Error(`rows of ${a.columns} and of ${b.columns} have no product`);
  const result = zeros(a.rows, b.rows);
  for (let top = 0; top < a.rows; top += 4)
    for (let left = 0; left < b.rows; left += 4) multiplyTile(a, b, result, top, left);
  return result;
}

/** A · Aᵀ, at half the cost. */
export function gram(a: Matrix): Matrix {
  const result = zeros(a.rows, a.rows);
  for (let top = 0; top < a.rows; top += 4)
    for (let left = 0; left <= top; left += 4) multiplyTile(a, a, result, top, left);
  const { data } = result;
  for (let i = 0; i < a.rows; i++) for (let j = 0; j < i; j++) data[j * a.rows + i] = data[i * a.rows + j] ?? 0;
  return result;
}

/** Four rows of A with two of B: each number that is read serves several products. What is left at the edges goes one by one. */
function multiplyTile(a: Matrix, b: Matrix, result: Matrix, top: number, left: number): void {
  for (let j = left; j < Math.min(b.rows, left + 4); j += 2) {
    if (top + 4 <= a.rows && j + 2 <= b.rows) multiplyFourByTwo(a, b, result, top, j);
    else
      for (let i = top; i < Math.min(a.rows, top + 4); i++)
        for (let column = j; column < Math.min(b.rows, j + 2); column++)
          result.data[i * b.rows + column] = dot(rowOf(a, i), rowOf(b, column));
  }
}

function multiplyFourByTwo(a: Matrix, b: Matrix, result: Matrix, top: number, left: number): void {
  const length = a.columns;
  const x = a.data;
  const y = b.data;
  const [x0, x1, x2, x3] = [top * length, (top + 1) * length, (top + 2) * length, (top + 3) * length];
  const [y0, y1] = [left * length, (left + 1) * length];
  let [s00, s01, s10, s11, s20, s21, s30, s31] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let p = 0; p < length; p++) {
    const u = y[y0 + p] ?? 0;
    const v = y[y1 + p] ?? 0;
    const a0 = x[x0 + p] ?? 0;
    const a1 = x[x1 + p] ?? 0;
    const a2 = x[x2 + p] ?? 0;
    const a3 = x[x3 + p] ?? 0;
    s00 += a0 * u;
    s01 += a0 * v;
    s10 += a1 * u;
    s11 += a1 * v;
    s20 += a2 * u;
    s21 += a2 * v;
    s30 += a3 * u;
    s31 += a3 * v;
  }
  const start = top * b.rows + left;
  result.data.set([s00, s01], start);
  result.data.set([s10, s11], start + b.rows);
  result.data.set([s20, s21], start + 2 * b.rows);
  result.data.set([s30, s31], start + 3 * b.rows);
}

/** Σ x · y, in four sums that do not wait for one another. */
export function dot(x: Float64Array, y: Float64Array): number {
  const length = x.length;
  const whole = length - (length % 4);
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let p = 0; p < whole; p += 4) {
    s0 += (x[p] ?? 0) * (y[p] ?? 0);
    s1 += (x[p + 1] ?? 0) * (y[p + 1] ?? 0);
    s2 += (x[p + 2] ?? 0) * (y[p + 2] ?? 0);
    s3 += (x[p + 3] ?? 0) * (y[p + 3] ?? 0);
  }
  for (let p = whole; p < length; p++) s0 += (x[p] ?? 0) * (y[p] ?? 0);
  return s0 + s1 + (s2 + s3);
}

/** y += factor · x */
export function addScaled(y: Float64Array, factor: number, x: Float64Array): void {
  for (let p = 0; p < y.length; p++) y[p] = (y[p] ?? 0) + factor * (x[p] ?? 0);
}

/** Rows i and j become cosine · i − sine · j and sine · i + cosine · j. */
export function rotateRows({ columns, data }: Matrix, i: number, j: number, cosine: number, sine: number): void {
  const [first, second] = [i * columns, j * columns];
  for (let p = 0; p < columns; p++) {
    const x = data[first + p] ?? 0;
    const y = data[second + p] ?? 0;
    data[first + p] = cosine * x - sine * y;
    data[second + p] = sine * x + cosine * y;
  }
}
