/**
 * The word order that the quantised formats share on the GPU. The words of 4 neighbouring rows alternate, so that one vec4<u32> load
 * gives the same columns of 4 rows:
 *
 *   word index of (row, k) = ((row >> 2) · wordsPerRow + k) · 4 + (row & 3)
 *
 * In words of vec4<u32>: vector (row >> 2) · wordsPerRow + k, component row & 3. Rows beyond the last in the last group are zeros.
 */
export const ROW_GROUP = 4;

/** Words of a plane of `rows` rows, the last group filled up. */
export function interleavedWords(rows: number, wordsPerRow: number): number {
  return Math.ceil(rows / ROW_GROUP) * ROW_GROUP * wordsPerRow;
}

/** Index of a row's word 0; its word k is 4k further on. */
export function firstWordOfRow(row: number, wordsPerRow: number): number {
  return (row >> 2) * wordsPerRow * ROW_GROUP + (row & 3);
}
