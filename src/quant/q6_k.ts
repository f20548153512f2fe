/**
 * GGUF Q6_K: 256 weights in 210 bytes: 128 bytes of lower nibbles, 64 bytes of upper pairs of bits, 16 int8 scales, d f16.
 * value = d · sc · (q − 32), q in 0…63, sc of each 16 weights. 64 bytes of nibbles hold four blocks: two in the lower nibbles, two in
 * the upper; 32 bytes of pairs hold the same four, the first in the lowest bits.
 * GPU (superblocks.ts): 4 scale words, the 16 scales as they stand; d in plane 2.
 */
import type { BlockScales } from './affine.ts';
import { QUARTETS } from './codes.ts';
import { superblockFormat, type SuperblockLayout } from './superblocks.ts';

const PAIRS = 128;
const SCALES = 192;

export const q6_kLayout: SuperblockLayout = {
  name: 'q6_k',
  bits: 6,
  fileBytes: 210,
  decoder: 'quant/q6_k',
  scaleWords: 4,
  halves: [208],
  hasSuperScales: true,
  codes(file, at, block, quartets) {
    const chunk = block >> 2;
    const inner = block & 3;
    const nibbles = at + 64 * chunk + 32 * (inner & 1);
    const pairs = at + PAIRS + 32 * chunk;
    const upper = 4 * (inner >> 1);
    for (let i = 0; i < QUARTETS; i++)
      quartets[i] =
        ((file.getUint32(nibbles + 4 * i, true) >>> upper) & 0x0f0f0f0f) |
        (((file.getUint32(pairs + 4 * i, true) >>> (2 * inner)) & 0x03030303) << 4);
  },
  scales: (file, at) => [0, 4, 8, 12].map((offset) => file.getUint32(at + SCALES + offset, true)),
  blockScales(word, block, d): BlockScales {
    const bytes = word(block >> 1) >>> (16 * (block & 1));
    const [first, second] = [d * ((bytes << 24) >> 24), d * ((bytes << 16) >> 24)];
    return [first, -32 * first, second, -32 * second];
  },
};

export const q6_k = superblockFormat(q6_kLayout);
