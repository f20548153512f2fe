/**
 * GGUF Q2_K: 256 weights in 84 bytes: 16 bytes of scales (sc in the lower, mn in the upper nibble), 64 bytes of codes, d f16, dmin f16.
 * value = d · sc · q − dmin · mn, q in 0…3; sc and mn of each 16 weights.
 * GPU (superblocks.ts): 5 scale words: d | dmin, then the 16 bytes as they stand.
 */
import type { BlockScales } from './affine.ts';
import { QUARTETS } from './codes.ts';
import { halfToFloat } from './half.ts';
import { superblockFormat, type SuperblockLayout } from './superblocks.ts';

export const q2_kLayout: SuperblockLayout = {
  name: 'q2_k',
  bits: 2,
  fileBytes: 84,
  decoder: 'quant/q2_k',
  scaleWords: 5,
  halves: [80, 82],
  hasSuperScales: false,
  codes: (file, at, block, quartets) => twoBits(file, at + 16, block, quartets),
  scales: (file, at) => [80, 0, 4, 8, 12].map((offset) => file.getUint32(at + offset, true)),
  blockScales(word, block): BlockScales {
    const [d, dmin] = [halfToFloat(word(0)), halfToFloat(word(0) >>> 16)];
    const bytes = word(1 + (block >> 1)) >>> (16 * (block & 1));
    const m = (mn: number) => -dmin * (mn & 15);
    return [d * (bytes & 15), m(bytes >>> 4), d * ((bytes >>> 8) & 15), m(bytes >>> 12)];
  },
};

export const q2_k = superblockFormat(q2_kLayout);

/** Q2_K and Q3_K: 32 bytes hold four blocks, the first in the lowest two bits of each. */
export function twoBits(file: DataView, at: number, block: number, quartets: Uint32Array): void {
  const first = at + 32 * (block >> 2);
  const shift = 2 * (block & 3);
  for (let i = 0; i < QUARTETS; i++) quartets[i] = (file.getUint32(first + 4 * i, true) >>> shift) & 0x03030303;
}
