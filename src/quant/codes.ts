/**
 * How codes of 2 to 8 bits lie on the GPU (shaders/quant/codes.wgsl): `bits` words for each block of 32 columns of a row, the words of
 * four rows side by side (interleave.ts).
 *
 * The unit is the quartet, four neighbouring columns as the four bytes of a word, column 0 the lowest. A code is cut into fields of 1, 2,
 * 4 or 8 bits. A word of a field holds 8 / bits quartets, each shifted up by as many bits: a quartet is one shift and one mask away.
 */
import { firstWordOfRow, interleavedWords, ROW_GROUP } from './interleave.ts';

export type CodeBits = 2 | 3 | 4 | 5 | 6 | 8;

/** Columns of a block, and quartets in it. */
export const BLOCK = 32;
export const QUARTETS = 8;

/** How a code is cut: its lower bits in the first words of a block, `upper` bits above them in words that follow. */
const fields: Readonly<Record<CodeBits, { readonly lower: 2 | 4 | 8; readonly upper: 0 | 1 | 2 }>> = {
  2: { lower: 2, upper: 0 },
  3: { lower: 2, upper: 1 },
  4: { lower: 4, upper: 0 },
  5: { lower: 4, upper: 1 },
  6: { lower: 4, upper: 2 },
  8: { lower: 8, upper: 0 },
};

/** That many bits of each byte. */
function everyByte(bits: number): number {
  return ((2 ** bits - 1) * 0x01010101) | 0;
}

/** The codes of a matrix on their way to the GPU, or back from it in a reference. */
export class CodePlane {
  readonly words: Uint32Array;
  readonly #bits: CodeBits;
  readonly #wordsPerRow: number;
  readonly #lower: number;
  readonly #upper: number;
  readonly #lowerMask: number;
  readonly #upperMask: number;
  /** log2 of the quartets in a word of lower bits, and in one of upper bits */
  readonly #lowerLog2: number;
  readonly #upperLog2: number;

  /** @param words of a plane that is read; without them a plane of zeros is made */
  constructor(bits: CodeBits, rows: number, columns: number, words?: Uint32Array) {
    const { lower, upper } = fields[bits];
    this.#bits = bits;
    this.#wordsPerRow = Math.ceil(columns / BLOCK) * bits;
    this.#lower = lower;
    this.#upper = upper;
    this.#lowerMask = everyByte(lower);
    this.#upperMask = everyByte(upper);
    this.#lowerLog2 = 3 - Math.log2(lower);
    this.#upperLog2 = upper === 2 ? 2 : 3;
    this.words = words ?? new Uint32Array(interleavedWords(rows, this.#wordsPerRow));
  }

  /** Where a block begins, for `put` and `get`. */
  at(row: number, block: number): number {
    return firstWordOfRow(row, this.#wordsPerRow) + block * this.#bits * ROW_GROUP;
  }

  /** Adds a quartet of codes, a byte each, to a block that has zeros there. */
  put(at: number, quartet: number, codes: number): void {
    const { words } = this;
    const word = at + (quartet >> this.#lowerLog2) * ROW_GROUP;
    words[word] = words[word]! | ((codes & this.#lowerMask) << (this.#lower * (quartet & (8 / this.#lower - 1))));
    if (this.#upper === 0) return;
    const above = at + (this.#lower + (quartet >> this.#upperLog2)) * ROW_GROUP;
    const upper = (codes >>> this.#lower) & this.#upperMask;
    words[above] = words[above]! | (upper << (this.#upper * (quartet & (8 / this.#upper - 1))));
  }

  /** Sets a whole block, given as the quartets of its codes, a byte each: several times as fast as one by one. */
  putBlock(at: number, quartets: Uint32Array): void {
    const above = this.#putField(at, quartets, this.#lower, 0, this.#lowerMask);
    if (this.#upper > 0) this.#putField(above, quartets, this.#upper, this.#lower, this.#upperMask);
  }

  /** Sets the words that hold `bits` bits of each code, those from bit `from` on. Gives the place behind them. */
  #putField(at: number, quartets: Uint32Array, bits: number, from: number, mask: number): number {
    const { words } = this;
    let word = at;
    for (let quartet = 0; quartet < QUARTETS; word += ROW_GROUP) {
      let value = 0;
      for (let shift = 0; shift < 8; shift += bits) value |= ((quartets[quartet++]! >>> from) & mask) << shift;
      words[word] = value;
    }
    return word;
  }

  /** A quartet of codes, a byte each. */
  get(at: number, quartet: number): number {
    const { words } = this;
    const word = words[at + (quartet >> this.#lowerLog2) * ROW_GROUP]!;
    const lower = (word >>> (this.#lower * (quartet & (8 / this.#lower - 1)))) & this.#lowerMask;
    if (this.#upper === 0) return lower >>> 0;
    const above = words[at + (this.#lower + (quartet >> this.#upperLog2)) * ROW_GROUP]!;
    const upper = (above >>> (this.#upper * (quartet & (8 / this.#upper - 1)))) & this.#upperMask;
    return (lower | (upper << this.#lower)) >>> 0;
  }
}

/** Four codes, a byte each, as a quartet; as many as the row still has. @param left codes from `at` to the end of the row */
export function quartetOfBytes(codes: Uint8Array, at: number, left: number): number {
  let quartet = 0;
  for (let j = 0; j < Math.min(4, left); j++) quartet |= codes[at + j]! << (8 * j);
  return quartet;
}

/** The conditions of shaders/quant/codes.wgsl for codes of that many bits. */
export function codeConditions(bits: CodeBits): Record<string, boolean> {
  return Object.fromEntries(Object.keys(fields).map((each) => [`BITS_${each}`, Number(each) === bits]));
}

/** Bytes of a row's codes. */
export function codeBytes(bits: CodeBits, columns: number): number {
  return Math.ceil(columns / BLOCK) * bits * 4;
}

/** Four bits, one in each byte, from the lowest four of a number. */
export function spreadBits(bits: number): number {
  return ((bits & 15) * 0x00204081) & 0x01010101;
}
