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

interface Field {
  /** of the block's words the first that holds this field */
  readonly word: number;
  /** bits of the code below the field */
  readonly below: number;
  /** log2 of the quartets in a word */
  readonly quartetsLog2: number;
  readonly bits: number;
  readonly mask: number;
}

function field(bits: 1 | 2 | 4 | 8, word = 0, below = 0): Field {
  return { word, below, bits, quartetsLog2: 3 - Math.log2(bits), mask: (2 ** bits - 1) * 0x01010101 };
}

const fieldsOf: Readonly<Record<CodeBits, readonly Field[]>> = {
  2: [field(2)],
  3: [field(2), field(1, 2, 2)],
  4: [field(4)],
  5: [field(4), field(1, 4, 4)],
  6: [field(4), field(2, 4, 4)],
  8: [field(8)],
};

/** The codes of a matrix on their way to the GPU, or back from it in a reference. */
export class CodePlane {
  readonly words: Uint32Array;
  readonly #bits: CodeBits;
  readonly #wordsPerRow: number;

  /** @param words of a plane that is read; without them a plane of zeros is made */
  constructor(bits: CodeBits, rows: number, columns: number, words?: Uint32Array) {
    this.#bits = bits;
    this.#wordsPerRow = Math.ceil(columns / BLOCK) * bits;
    this.words = words ?? new Uint32Array(interleavedWords(rows, this.#wordsPerRow));
  }

  /** Where a block begins, for `put` and `get`. */
  at(row: number, block: number): number {
    return firstWordOfRow(row, this.#wordsPerRow) + block * this.#bits * ROW_GROUP;
  }

  /** Adds a quartet of codes, a byte each, to a block that has zeros there. */
  put(at: number, quartet: number, codes: number): void {
    for (const { word, below, quartetsLog2, bits, mask } of fieldsOf[this.#bits]) {
      const shift = bits * (quartet & ((1 << quartetsLog2) - 1));
      const index = at + (word + (quartet >> quartetsLog2)) * ROW_GROUP;
      this.words[index] = this.words[index]! | (((codes >>> below) & mask) << shift);
    }
  }

  /** A quartet of codes, a byte each. */
  get(at: number, quartet: number): number {
    let codes = 0;
    for (const { word, below, quartetsLog2, bits, mask } of fieldsOf[this.#bits]) {
      const shift = bits * (quartet & ((1 << quartetsLog2) - 1));
      const stored = this.words[at + (word + (quartet >> quartetsLog2)) * ROW_GROUP]!;
      codes |= ((stored >>> shift) & mask) << below;
    }
    return codes >>> 0;
  }
}

/** The conditions of shaders/quant/codes.wgsl for codes of that many bits. */
export function codeConditions(bits: CodeBits): Record<string, boolean> {
  return Object.fromEntries(Object.keys(fieldsOf).map((each) => [`BITS_${each}`, Number(each) === bits]));
}

/** Bytes of a row's codes. */
export function codeBytes(bits: CodeBits, columns: number): number {
  return Math.ceil(columns / BLOCK) * bits * 4;
}

/** Four bits, one in each byte, from the lowest four of a number. */
export function spreadBits(bits: number): number {
  return ((bits & 15) * 0x00204081) & 0x01010101;
}
