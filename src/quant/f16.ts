/**
 * IEEE half floats. A block is one weight.
 *
 * GPU, plane 0 `values`: row-major without padding, two weights to a word. With i = row · columns + column, weight i is
 * unpack2x16float(word[i >> 1])[i & 1]: the even one in the low half. An odd number of weights is padded by a zero half at the end.
 * A row begins inside a word where columns is odd and row is odd.
 */
import { asHalfWords, checkBytes, padToWords } from './fileBytes.ts';
import { blockPlane, type BlockFormat } from './format.ts';
import { halfValues } from './half.ts';

export const f16: BlockFormat = {
  name: 'f16',
  blockSize: 1,
  fileBytesPerBlock: 2,
  planes: [blockPlane('values', 1, 2)],
  rowGroup: 1,
  decoder: { module: 'quant/f16' },

  decode(bytes, count) {
    checkBytes('f16', bytes, count, 1, 2);
    const halves = asHalfWords(bytes);
    const values = halfValues();
    const out = new Float32Array(count);
    for (let i = 0; i < count; i++) out[i] = values[halves[i]!]!;
    return out;
  },

  /** The plane is `bytes` itself where it needs no padding. */
  repack(bytes, rows, columns) {
    checkBytes('f16', bytes, rows * columns, 1, 2);
    return [padToWords(bytes)];
  },
};
