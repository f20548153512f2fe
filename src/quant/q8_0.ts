/**
 * GGUF Q8_0: blocks of 32 weights in 34 bytes: d f16, 32 int8. value = d · q, q in −128…127.
 *
 * GPU, plane 0 `values`: a word holds 4 consecutive weights of one row, unpack4xI8(word) = q of weights k … k+3:
 *   word index of (row, k4 = column >> 2) = ((row >> 2) · (columns / 4) + k4) · 4 + (row & 3)
 * Plane 1 `scales`: a word for each block, unpack2x16float(word) = (d, 0):
 *   word index of (row, block = column >> 5) = ((row >> 2) · (columns / 32) + block) · 4 + (row & 3)
 * Rows are filled up with zero words to a multiple of 4.
 */
import { asHalfWords, checkBytes, checkScale } from './fileBytes.ts';
import { blockPlane, type BlockFormat } from './format.ts';
import { halfValues } from './half.ts';
import { firstWordOfRow, interleavedWords, ROW_GROUP } from './interleave.ts';

const HALVES_PER_BLOCK = 17;
const WORDS_PER_BLOCK = 8;

export const q8_0: BlockFormat = {
  name: 'q8_0',
  blockSize: 32,
  fileBytesPerBlock: 34,
  planes: [blockPlane('values', 32, 32), blockPlane('scales', 32, 4)],
  rowGroup: ROW_GROUP,
  decoder: { module: 'quant/q8_0' },

  decode(bytes, count) {
    checkBytes('q8_0', bytes, count, 32, 34);
    const halves = asHalfWords(bytes);
    const values = halfValues();
    const out = new Float32Array(count);
    for (let block = 0; block < count / 32; block++) {
      const d = values[halves[block * HALVES_PER_BLOCK]!]!;
      for (let i = 0; i < 32; i++) out[block * 32 + i] = d * ((bytes[block * 34 + 2 + i]! << 24) >> 24);
    }
    return out;
  },

  repack(bytes, rows, columns) {
    checkBytes('q8_0', bytes, rows * columns, 32, 34);
    const halves = asHalfWords(bytes);
    const blocksPerRow = columns / 32;
    const values = new Uint32Array(interleavedWords(rows, blocksPerRow * WORDS_PER_BLOCK));
    const scales = new Uint32Array(interleavedWords(rows, blocksPerRow));
    let half = 0;
    for (let row = 0; row < rows; row++) {
      let value = firstWordOfRow(row, blocksPerRow * WORDS_PER_BLOCK);
      let scale = firstWordOfRow(row, blocksPerRow);
      for (let block = 0; block < blocksPerRow; block++) {
        const d = halves[half++]!;
        checkScale('q8_0', d);
        scales[scale] = d;
        for (let word = 0; word < WORDS_PER_BLOCK; word++) {
          values[value] = halves[half]! | (halves[half + 1]! << 16);
          half += 2;
          value += ROW_GROUP;
        }
        scale += ROW_GROUP;
      }
    }
    return [new Uint8Array(values.buffer), new Uint8Array(scales.buffer)];
  },
};
