/** Where codes and scales lie in a superblock of the file: the way back of what q2_k.ts … q6_k.ts read. */
import { q2_kLayout } from '../q2_k.ts';
import { q3_kLayout } from '../q3_k.ts';
import { q4_kLayout, q5_kLayout } from '../q4_k.ts';
import { q6_kLayout } from '../q6_k.ts';
import type { SuperblockLayout } from '../superblocks.ts';

export interface SuperblockFile {
  readonly layout: SuperblockLayout;
  /** codes run from 0 to it */
  readonly most: number;
  /** weights that share an integer scale */
  readonly group: 16 | 32;
  /** values are d · sc · (q − zero); undefined: d · sc · q − dmin · mn */
  readonly zero?: number;
  /** bounds of the integer scales */
  readonly scales: readonly [least: number, most: number];
  /** Sets the code of weight `i` of a block of 32. */
  putCode(file: DataView, block: number, i: number, code: number): void;
  /** Sets the integer scales, and the mins where there are any, of all groups. */
  putScales(file: DataView, scales: ArrayLike<number>, mins: ArrayLike<number>): void;
}

/** Sets some bits of a byte. */
function put(file: DataView, at: number, shift: number, bits: number, value: number): void {
  const mask = (2 ** bits - 1) << shift;
  file.setUint8(at, (file.getUint8(at) & ~mask) | ((value << shift) & mask));
}

function putTwoBits(file: DataView, at: number, block: number, i: number, code: number): void {
  put(file, at + 32 * (block >> 2) + i, 2 * (block & 3), 2, code);
}

function putNibble(file: DataView, at: number, block: number, i: number, code: number): void {
  put(file, at + 32 * (block >> 1) + i, 4 * (block & 1), 4, code);
}

/** Q4_K, Q5_K: 6 bits each in 12 bytes (q4_k.ts). */
function putSixBitScales(file: DataView, scales: ArrayLike<number>, mins: ArrayLike<number>): void {
  const [a, b, c] = [4, 8, 12];
  for (let j = 0; j < 4; j++) {
    const [sc, mn] = [scales[4 + j]!, mins[4 + j]!];
    file.setUint8(a + j, scales[j]! | ((sc >> 4) << 6));
    file.setUint8(b + j, mins[j]! | ((mn >> 4) << 6));
    file.setUint8(c + j, (sc & 15) | ((mn & 15) << 4));
  }
}

const q2_k: SuperblockFile = {
  layout: q2_kLayout,
  most: 3,
  group: 16,
  scales: [0, 15],
  putCode: (file, block, i, code) => putTwoBits(file, 16, block, i, code),
  putScales(file, scales, mins) {
    for (let j = 0; j < 16; j++) file.setUint8(j, scales[j]! | (mins[j]! << 4));
  },
};

const q3_k: SuperblockFile = {
  layout: q3_kLayout,
  most: 7,
  group: 16,
  zero: 4,
  scales: [-32, 31],
  putCode(file, block, i, code) {
    putTwoBits(file, 32, block, i, code);
    put(file, i, block, 1, code >> 2);
  },
  putScales(file, scales) {
    for (let j = 0; j < 16; j++) {
      const stored = scales[j]! + 32;
      put(file, 96 + (j & 7), 4 * (j >> 3), 4, stored);
      put(file, 104 + (j & 3), 2 * (j >> 2), 2, stored >> 4);
    }
  },
};

const q4_k: SuperblockFile = {
  layout: q4_kLayout,
  most: 15,
  group: 32,
  scales: [0, 63],
  putCode: (file, block, i, code) => putNibble(file, 16, block, i, code),
  putScales: putSixBitScales,
};

const q5_k: SuperblockFile = {
  layout: q5_kLayout,
  most: 31,
  group: 32,
  scales: [0, 63],
  putCode(file, block, i, code) {
    putNibble(file, 48, block, i, code);
    put(file, 16 + i, block, 1, code >> 4);
  },
  putScales: putSixBitScales,
};

const q6_k: SuperblockFile = {
  layout: q6_kLayout,
  most: 63,
  group: 16,
  zero: 32,
  scales: [-128, 127],
  putCode(file, block, i, code) {
    const [chunk, inner] = [block >> 2, block & 3];
    put(file, 64 * chunk + 32 * (inner & 1) + i, 4 * (inner >> 1), 4, code);
    put(file, 128 + 32 * chunk + i, 2 * inner, 2, code >> 4);
  },
  putScales(file, scales) {
    for (let j = 0; j < 16; j++) file.setInt8(192 + j, scales[j]!);
  },
};

export const superblockFiles = { q2_k, q3_k, q4_k, q5_k, q6_k } as const;
