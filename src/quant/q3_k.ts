/**
 * GGUF Q3_K: 256 weights in 110 bytes: 32 bytes of upper bits, 64 bytes of lower bits, 12 bytes of scales, d f16.
 * value = d · (sc − 32) · (q − 4), q in 0…7, sc of 6 bits for each 16 weights: its lower 4 bits are a nibble of the first 8 bytes (half
 * blocks 0…7 in the lower, 8…15 in the upper nibbles), its upper 2 bits lie in the last 4 bytes, half blocks 4k … 4k+3 in bits 2k of them.
 * GPU (superblocks.ts): 3 scale words: nibble i of the first is half block i, of the second 8 + i; two bits of the third each; d in plane 2.
 */
import type { BlockScales } from './affine.ts';
import { QUARTETS } from './codes.ts';
import { twoBits } from './q2_k.ts';
import { superblockFormat, type SuperblockLayout } from './superblocks.ts';

export const q3_kLayout: SuperblockLayout = {
  name: 'q3_k',
  bits: 3,
  fileBytes: 110,
  decoder: 'quant/q3_k',
  scaleWords: 3,
  halves: [108],
  hasSuperScales: true,
  codes(file, at, block, quartets) {
    twoBits(file, at + 32, block, quartets);
    for (let i = 0; i < QUARTETS; i++) quartets[i]! |= ((file.getUint32(at + 4 * i, true) >>> block) & 0x01010101) << 2;
  },
  scales(file, at) {
    const words = [0, 0, 0];
    for (let i = 0; i < 16; i++) {
      const lower = (file.getUint8(at + 96 + (i & 7)) >> (4 * (i >> 3))) & 15;
      const upper = (file.getUint8(at + 104 + (i & 3)) >> (2 * (i >> 2))) & 3;
      words[i >> 3]! |= lower << (4 * (i & 7));
      words[2]! |= upper << (2 * i);
    }
    return words;
  },
  blockScales(word, block, d): BlockScales {
    const scaleOf = (half: number) => {
      const lower = (word(half >> 3) >>> (4 * (half & 7))) & 15;
      return d * ((lower | (((word(2) >>> (2 * half)) & 3) << 4)) - 32);
    };
    const [first, second] = [scaleOf(2 * block), scaleOf(2 * block + 1)];
    return [first, -4 * first, second, -4 * second];
  },
};

export const q3_k = superblockFormat(q3_kLayout);
