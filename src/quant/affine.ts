/** References of the decoders whose values are d · q + m, with d and m of each block of 32 columns or of each half of it. */
import { BLOCK, CodePlane, QUARTETS, type CodeBits } from './codes.ts';
import type { BlockFormat } from './format.ts';

/** d and m of the first and of the second 16 columns of a block. */
export type BlockScales = readonly [d: number, m: number, secondD: number, secondM: number];

/** The weights of planes whose first holds the codes. f32, [rows, columns]; d · q is exact, so each value is rounded once. */
export function decodeAffine(
  planes: readonly Uint8Array[],
  rows: number,
  columns: number,
  bits: CodeBits,
  scalesOf: (row: number, block: number) => BlockScales,
): Float32Array {
  const codes = new CodePlane(bits, rows, columns, asWords(planes[0]));
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block * BLOCK < columns; block++) {
      const scales = scalesOf(row, block);
      const at = codes.at(row, block);
      for (let quartet = 0; quartet < QUARTETS; quartet++) {
        const half = quartet < QUARTETS / 2 ? 0 : 2;
        const quartetCodes = codes.get(at, quartet);
        for (let j = 0; j < 4; j++) {
          const column = block * BLOCK + 4 * quartet + j;
          if (column >= columns) break;
          values[row * columns + column] = scales[half]! * ((quartetCodes >>> (8 * j)) & 255) + scales[half + 1]!;
        }
      }
    }
  }
  return values;
}

/** A plane as words. */
export function asWords(plane: Uint8Array | undefined): Uint32Array {
  if (!plane) throw new Error('a plane of the weight is missing');
  return new Uint32Array(plane.buffer, plane.byteOffset, plane.byteLength / 4);
}

/** weights that are re-ordered and decoded at a time, as one row */
const stretch = 1 << 18;

/** A file's bytes decoded by way of the planes. */
export function decodeByPlanes(
  format: Pick<BlockFormat, 'blockSize' | 'fileBytesPerBlock' | 'repack'>,
  decodePlanes: (planes: readonly Uint8Array[], rows: number, columns: number) => Float32Array,
  bytes: Uint8Array,
  count: number,
): Float32Array {
  const values = new Float32Array(count);
  for (let start = 0; start < count; start += stretch) {
    const columns = Math.min(stretch, count - start);
    const byte = (first: number) => (first / format.blockSize) * format.fileBytesPerBlock;
    const planes = format.repack(bytes.subarray(byte(start), byte(start + columns)), 1, columns);
    values.set(decodePlanes(planes, 1, columns), start);
  }
  return values;
}
