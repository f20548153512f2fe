/**
 * bfloat16: the upper half of an f32. A block is one weight.
 *
 * GPU, plane 0 `values`: row-major without padding, two weights to a word. With i = row · columns + column and w = word[i >> 1],
 * weight i is bitcast<f32>(w << 16) for even i and bitcast<f32>(w & 0xFFFF0000) for odd i. An odd number of weights is padded by a
 * zero half at the end. A row begins inside a word where columns is odd and row is odd.
 */
import { asHalfWords, checkBytes, padToWords } from './fileBytes.ts';
import { blockPlane, type BlockFormat } from './format.ts';

export const bf16: BlockFormat = {
  name: 'bf16',
  blockSize: 1,
  fileBytesPerBlock: 2,
  planes: [blockPlane('values', 1, 2)],
  rowGroup: 1,
  decoder: { module: 'quant/bf16' },

  decode(bytes, count) {
    checkBytes('bf16', bytes, count, 1, 2);
    const halves = asHalfWords(bytes);
    const out = new Uint32Array(count);
    for (let i = 0; i < count; i++) out[i] = halves[i]! << 16;
    return new Float32Array(out.buffer);
  },

  /** The plane is `bytes` itself where it needs no padding. */
  repack(bytes, rows, columns) {
    checkBytes('bf16', bytes, rows * columns, 1, 2);
    return [padToWords(bytes)];
  },
};
