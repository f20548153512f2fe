/**
 * GGUF Q4_0: blocks of 32 weights in 18 bytes: d f16, 16 bytes of nibbles. value = d · (q − 8), q in 0…15.
 * GPU layout: see nibbles.ts; the scale word is (d, −8d), so that value = d · q + m as in q4_1. −8d is exact in f16 unless it
 * overflows (|d| > 8,188), which no quantiser writes for weights that were f16; such a block is refused.
 */
import { asHalfWords, checkBytes, checkScale } from './fileBytes.ts';
import type { BlockFormat } from './format.ts';
import { floatToHalf, halfToFloat, halfValues } from './half.ts';
import { ROW_GROUP } from './interleave.ts';
import { nibblePlanes, repackNibbles } from './nibbles.ts';

export const q4_0: BlockFormat = {
  name: 'q4_0',
  blockSize: 32,
  fileBytesPerBlock: 18,
  planes: nibblePlanes,
  rowGroup: ROW_GROUP,
  decoder: { module: 'quant/q4' },

  decode(bytes, count) {
    checkBytes('q4_0', bytes, count, 32, 18);
    const halves = asHalfWords(bytes);
    const values = halfValues();
    const out = new Float32Array(count);
    for (let block = 0; block < count / 32; block++) {
      const d = values[halves[block * 9]!]!;
      for (let i = 0; i < 16; i++) {
        const byte = bytes[block * 18 + 2 + i]!;
        out[block * 32 + i] = d * ((byte & 15) - 8);
        out[block * 32 + 16 + i] = d * ((byte >> 4) - 8);
      }
    }
    return out;
  },

  repack(bytes, rows, columns) {
    checkBytes('q4_0', bytes, rows * columns, 32, 18);
    return repackNibbles(bytes, rows, columns, { halvesPerBlock: 9, nibbles: 1, scaleWord });
  },
};

function scaleWord(halves: Uint16Array, block: number): number {
  const d = halves[block]!;
  const m = floatToHalf(-8 * halfToFloat(d));
  checkScale('q4_0', m); // not finite where d is not, or where 8d overflows
  return d | (m << 16);
}
