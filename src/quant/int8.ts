/**
 * INT8 by rows, as bitsandbytes keeps LLM.int8 weights: value = q · absmax / 127, absmax of each row, f32
 * (`_ops.py`, int8_vectorwise_dequant: two products, each rounded).
 *
 * GPU (shaders/quant/int8.wgsl), plane 0 `values`: codes of 8 bits (codes.ts), signed bytes; rows filled up with zeros to 32 columns.
 * Plane 1 `absmax`: f32, one a row.
 */
import { asWords } from './affine.ts';
import { BLOCK, codeBytes, codeConditions, CodePlane, quartetOfBytes } from './codes.ts';
import type { PackedFormat } from './format.ts';
import { ROW_GROUP } from './interleave.ts';

/** bitsandbytes' 1 / 127 in f32. */
const reciprocal = Math.fround(7.874015718698502e-3);

export const int8: PackedFormat = {
  name: 'int8',
  blockSize: 1,
  planes: [
    { name: 'values', bytes: (rows, columns) => rows * codeBytes(8, columns) },
    { name: 'absmax', bytes: (rows) => rows * 4 },
  ],
  rowGroup: ROW_GROUP,
  decoder: { module: 'quant/int8', conditions: codeConditions(8) },

  decode(planes, rows, columns) {
    const codes = new CodePlane(8, rows, columns, asWords(planes[0]));
    const absmax = asWords(planes[1]);
    const scales = new Float32Array(absmax.buffer, absmax.byteOffset, absmax.length);
    const values = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        const quartet = codes.get(codes.at(row, Math.floor(column / BLOCK)), (column % BLOCK) >> 2);
        const q = (quartet << (24 - 8 * (column & 3))) >> 24;
        values[row * columns + column] = Math.fround(q * scales[row]!) * reciprocal;
      }
    return values;
  },
};

/** Whole rows of signed bytes, [rows, columns], into plane 0. */
export function repackInt8(bytes: Uint8Array, rows: number, columns: number): Uint8Array {
  const codes = new CodePlane(8, rows, columns);
  const whole = columns % 4 === 0 ? asWords(bytes) : undefined;
  for (let row = 0; row < rows; row++) {
    let place = codes.at(row, 0); // a word is a quartet, and a row's blocks follow one another
    for (let column = 0; column < columns; column += 4, place += ROW_GROUP) {
      const at = row * columns + column;
      codes.words[place] = whole ? whole[at >> 2]! : quartetOfBytes(bytes, at, columns - column);
    }
  }
  return new Uint8Array(codes.words.buffer);
}
