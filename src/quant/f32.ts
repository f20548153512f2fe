/**
 * Plain 32-bit floats. A block is one weight.
 *
 * GPU, plane 0 `values`: row-major, weight (row, column) is word row · columns + column, read with bitcast<f32>.
 */
import { checkBytes } from './fileBytes.ts';
import { blockPlane, type BlockFormat } from './format.ts';

export const f32: BlockFormat = {
  name: 'f32',
  blockSize: 1,
  fileBytesPerBlock: 4,
  planes: [blockPlane('values', 1, 4)],
  rowGroup: 1,
  decoder: { module: 'quant/f32' },

  decode(bytes, count) {
    checkBytes('f32', bytes, count, 1, 4);
    return new Float32Array(new Uint8Array(bytes).buffer);
  },

  /** The plane is `bytes` itself, not a copy. */
  repack(bytes, rows, columns) {
    checkBytes('f32', bytes, rows * columns, 1, 4);
    return [bytes];
  },
};
