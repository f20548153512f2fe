/**
 * GGUF Q4_1: blocks of 32 weights in 20 bytes: d f16, m f16, 16 bytes of nibbles. value = d · q + m, q in 0…15.
 * GPU layout: see nibbles.ts; the scale word is (d, m) as they stand in the file.
 */
import { asHalfWords, checkBytes, checkScale } from './fileBytes.ts';
import type { BlockFormat } from './format.ts';
import { halfValues } from './half.ts';
import { ROW_GROUP } from './interleave.ts';
import { nibblePlanes, repackNibbles } from './nibbles.ts';

export const q4_1: BlockFormat = {
  name: 'q4_1',
  blockSize: 32,
  fileBytesPerBlock: 20,
  planes: nibblePlanes,
  rowGroup: ROW_GROUP,
  decoder: { module: 'quant/q4' },

  decode(bytes, count) {
    checkBytes('q4_1', bytes, count, 32, 20);
    const halves = asHalfWords(bytes);
    const values = halfValues();
    const out = new Float32Array(count);
    for (let block = 0; block < count / 32; block++) {
      const d = values[halves[block * 10]!]!;
      const m = values[halves[block * 10 + 1]!]!;
      for (let i = 0; i < 16; i++) {
        const byte = bytes[block * 20 + 4 + i]!;
        out[block * 32 + i] = d * (byte & 15) + m;
        out[block * 32 + 16 + i] = d * (byte >> 4) + m;
      }
    }
    return out;
  },

  repack(bytes, rows, columns) {
    checkBytes('q4_1', bytes, rows * columns, 32, 20);
    return repackNibbles(bytes, rows, columns, { halvesPerBlock: 10, nibbles: 2, scaleWord });
  },
};

function scaleWord(halves: Uint16Array, block: number): number {
  const d = halves[block]!;
  const m = halves[block + 1]!;
  checkScale('q4_1', d);
  checkScale('q4_1', m);
  return d | (m << 16);
}
