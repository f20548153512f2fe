/**
 * GGUF Q4_K: 256 weights in 144 bytes: d f16, dmin f16, 12 bytes of scales, 128 bytes of nibbles. Q5_K: 176, with 32 bytes of fifth bits
 * before the nibbles. value = d · sc · q − dmin · mn; sc and mn of 6 bits for each 32 weights, packed in the 12 bytes a[4] b[4] c[4]:
 * block j < 4: sc = a_j & 63, mn = b_j & 63; block 4 + j: sc = c_j & 15 | a_j >> 6 << 4, mn = c_j >> 4 | b_j >> 6 << 4.
 * GPU (superblocks.ts): 4 scale words: d | dmin; for each block a byte with sc in its lower 6 bits and the lower 2 bits of mn above, in two
 * words; the upper 4 bits of mn, a nibble for each block.
 */
import type { BlockScales } from './affine.ts';
import { QUARTETS } from './codes.ts';
import { halfToFloat } from './half.ts';
import { superblockFormat, type SuperblockLayout } from './superblocks.ts';

const SCALES = 4;
const NIBBLES_Q4 = 16;
const FIFTH_BITS = 16;
const NIBBLES_Q5 = 48;

const common = {
  decoder: 'quant/q4_k',
  scaleWords: 4,
  halves: [0, 2],
  hasSuperScales: false,
  scales: scaleWords,
  blockScales(word, block): BlockScales {
    const [d, dmin] = [halfToFloat(word(0)), halfToFloat(word(0) >>> 16)];
    const byte = (word(1 + (block >> 2)) >>> (8 * (block & 3))) & 255;
    const mn = (byte >> 6) | (((word(3) >>> (4 * block)) & 15) << 2);
    const [scale, offset] = [d * (byte & 63), -dmin * mn];
    return [scale, offset, scale, offset];
  },
} satisfies Partial<SuperblockLayout>;

export const q4_kLayout: SuperblockLayout = {
  ...common,
  name: 'q4_k',
  bits: 4,
  fileBytes: 144,
  codes: (file, at, block, quartets) => nibbles(file, at + NIBBLES_Q4, block, quartets),
};

export const q4_k = superblockFormat(q4_kLayout);

export const q5_kLayout: SuperblockLayout = {
  ...common,
  name: 'q5_k',
  bits: 5,
  fileBytes: 176,
  codes(file, at, block, quartets) {
    nibbles(file, at + NIBBLES_Q5, block, quartets);
    for (let i = 0; i < QUARTETS; i++)
      quartets[i]! |= ((file.getUint32(at + FIFTH_BITS + 4 * i, true) >>> block) & 0x01010101) << 4;
  },
};

export const q5_k = superblockFormat(q5_kLayout);

/** 32 bytes hold two blocks, the first in the lower nibbles. */
function nibbles(file: DataView, at: number, block: number, quartets: Uint32Array): void {
  const first = at + 32 * (block >> 1);
  const shift = 4 * (block & 1);
  for (let i = 0; i < QUARTETS; i++) quartets[i] = (file.getUint32(first + 4 * i, true) >>> shift) & 0x0f0f0f0f;
}

function scaleWords(file: DataView, at: number): number[] {
  const a = file.getUint32(at + SCALES, true);
  const b = file.getUint32(at + SCALES + 4, true);
  const c = file.getUint32(at + SCALES + 8, true);
  const [sc0, sc1] = [a & 0x3f3f3f3f, (c & 0x0f0f0f0f) | ((a >>> 2) & 0x30303030)];
  const [mn0, mn1] = [b & 0x3f3f3f3f, ((c >>> 4) & 0x0f0f0f0f) | ((b >>> 2) & 0x30303030)];
  return [
    file.getUint32(at, true),
    sc0 | ((mn0 & 0x03030303) << 6),
    sc1 | ((mn1 & 0x03030303) << 6),
    lowNibbles(mn0 >>> 2) | (lowNibbles(mn1 >>> 2) << 16),
  ];
}

/** The lower nibbles of four bytes side by side. */
function lowNibbles(bytes: number): number {
  const nibbles = bytes & 0x0f0f0f0f;
  const pairs = (nibbles | (nibbles >>> 4)) & 0x00ff00ff;
  return (pairs | (pairs >>> 8)) & 0xffff;
}
