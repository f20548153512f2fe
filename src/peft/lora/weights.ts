/** Low-rank updates of weights outside the GPU. */

/** base [rows, columns] + scale · left [rows, r] · right [r, columns] */
export function plusProduct(
  base: Float32Array,
  left: Float32Array,
  right: Float32Array,
  scale: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  const sum = Float32Array.from(base);
  const r = right.length / columns;
  for (let row = 0; row < base.length / columns; row++)
    for (let j = 0; j < r; j++) {
      const factor = scale * (left[row * r + j] ?? 0);
      if (factor === 0) continue;
      for (let i = 0; i < columns; i++)
        sum[row * columns + i] = (sum[row * columns + i] ?? 0) + factor * (right[j * columns + i] ?? 0);
    }
  return sum;
}

/** ‖row‖² of each row. */
export function rowSquares(matrix: Float32Array, columns: number): Float64Array {
  const squares = new Float64Array(matrix.length / columns);
  matrix.forEach((x, i) => {
    const row = Math.floor(i / columns);
    squares[row] = (squares[row] ?? 0) + x * x;
  });
  return squares;
}

/** ‖column‖² of each column. */
export function columnSquares(matrix: Float32Array, columns: number): Float64Array {
  const squares = new Float64Array(columns);
  matrix.forEach((x, i) => {
    const column = i % columns;
    squares[column] = (squares[column] ?? 0) + x * x;
  });
  return squares;
}

/** [rows, columns] → [columns, rows] */
export function transposed(matrix: Float32Array, columns: number): Float32Array<ArrayBuffer> {
  const rows = matrix.length / columns;
  return Float32Array.from(
    { length: matrix.length },
    (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)] ?? 0,
  );
}
