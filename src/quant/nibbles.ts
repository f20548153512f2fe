/**
 * The GPU layout of q4_0 and q4_1, which is the same: blocks of 32 weights along a row, value = d · q + m with q in 0…15.
 *
 * Plane 0 `values`: a word holds 8 consecutive weights k … k+7 of one row:
 *   unpack4xU8(word & 0x0F0F0F0F)        = q of weights k, k+1, k+2, k+3      (byte 0 first)
 *   unpack4xU8((word >> 4) & 0x0F0F0F0F) = q of weights k+4, k+5, k+6, k+7
 *   word index of (row, k8 = column >> 3) = ((row >> 2) · (columns / 8) + k8) · 4 + (row & 3)
 * Plane 1 `scales`: a word for each block, unpack2x16float(word) = (d, m):
 *   word index of (row, block = column >> 5) = ((row >> 2) · (columns / 32) + block) · 4 + (row & 3)
 * Rows are filled up with zero words to a multiple of 4 (q = d = m = 0, so that they decode to 0).
 *
 * In the file a block's 16 bytes hold weights 0…15 in their low and 16…31 in their high nibbles (gguf, quants.py).
 */
import { asHalfWords } from './fileBytes.ts';
import { blockPlane } from './format.ts';
import { firstWordOfRow, interleavedWords, ROW_GROUP } from './interleave.ts';

const LOW = 0x0f0f0f0f;
const HIGH = 0xf0f0f0f0;

/** Where a block's parts lie in the file, in 16-bit words, and how its scale word is formed. */
export interface NibbleBlock {
  readonly halvesPerBlock: number;
  /** index of the first of the 8 halves that hold nibbles */
  readonly nibbles: number;
  /** d in the low half and m in the high half; throws a UserError for scales that are not finite */
  scaleWord(halves: Uint16Array, block: number): number;
}

/** Re-orders whole rows from the file into the two planes. `bytes` has been checked to be rows · columns / 32 blocks. */
export function repackNibbles(bytes: Uint8Array, rows: number, columns: number, format: NibbleBlock): Uint8Array[] {
  const halves = asHalfWords(bytes);
  const blocksPerRow = columns / 32;
  const values = new Uint32Array(interleavedWords(rows, blocksPerRow * 4));
  const scales = new Uint32Array(interleavedWords(rows, blocksPerRow));
  let block = 0; // in halves
  for (let row = 0; row < rows; row++) {
    let value = firstWordOfRow(row, blocksPerRow * 4);
    let scale = firstWordOfRow(row, blocksPerRow);
    for (let i = 0; i < blocksPerRow; i++) {
      scales[scale] = format.scaleWord(halves, block);
      const q = block + format.nibbles;
      const a = halves[q]! | (halves[q + 1]! << 16); // weights 0–3, high nibbles 16–19
      const b = halves[q + 2]! | (halves[q + 3]! << 16); // weights 4–7, high nibbles 20–23
      const c = halves[q + 4]! | (halves[q + 5]! << 16); // weights 8–11, high nibbles 24–27
      const d = halves[q + 6]! | (halves[q + 7]! << 16); // weights 12–15, high nibbles 28–31
      values[value] = (a & LOW) | ((b & LOW) << 4);
      values[value + ROW_GROUP] = (c & LOW) | ((d & LOW) << 4);
      values[value + 2 * ROW_GROUP] = ((a >>> 4) & LOW) | (b & HIGH);
      values[value + 3 * ROW_GROUP] = ((c >>> 4) & LOW) | (d & HIGH);
      block += format.halvesPerBlock;
      value += 4 * ROW_GROUP;
      scale += ROW_GROUP;
    }
  }
  return [new Uint8Array(values.buffer), new Uint8Array(scales.buffer)];
}

/** The planes of both formats. */
export const nibblePlanes = [blockPlane('values', 32, 16), blockPlane('scales', 32, 4)] as const;
