/**
 * NF4 and FP4, the 4-bit types of bitsandbytes (functional.py): value = table[q] · absmax, absmax of each block of 64 weights, counted
 * through the whole matrix row after row. Nested ("double quantisation"): absmax itself is 8-bit, absmax = map[byte] · scale + offset,
 * with a scale for each 256 of them. 4.5 bits a weight, nested 4.127.
 *
 * GPU (shaders/quant/codebook.wgsl), plane 0 `values`: codes of 4 bits (codes.ts). Plane 1 `absmax`: f32 or bytes, in the order of the
 * blocks. Plane 2 `nested`, where absmax is: see `nestedPlane`. Where columns are a multiple of 32, 32 of a row lie in one block of absmax.
 * Any other number makes the format `unaligned`: absmax of each weight is looked up, and the last plane begins with the columns of a row.
 */
import { asWords } from './affine.ts';
import { BLOCK, codeBytes, codeConditions, CodePlane, QUARTETS } from './codes.ts';
import type { CodebookName, PackedFormat, Plane } from './format.ts';
import { ROW_GROUP } from './interleave.ts';

export const ABSMAX_BLOCK = 64;
export const NESTED_BLOCK = 256;
/** words of plane 2 before the scales of absmax: map, offset, first */
const MAP = 256;
const HEADER = MAP + 2;

type CodebookKind = 'nf4' | 'fp4';

/** The format of a matrix with that many columns. */
export function codebookName(kind: CodebookKind, isNested: boolean, columns: number): CodebookName {
  return `${kind}${isNested ? '_nested' : ''}${columns % BLOCK === 0 ? '' : '_unaligned'}`;
}

/** What a format's name says. */
export function codebookParts(name: CodebookName): { kind: CodebookKind; isNested: boolean; isUnaligned: boolean } {
  const [kind, ...variants] = name.split('_') as [CodebookKind, ...string[]];
  return { kind, isNested: variants.includes('nested'), isUnaligned: variants.includes('unaligned') };
}

// prettier-ignore
const nf4Table = [
  -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
];
const fp4Magnitudes = [0, 0.0625, 8, 12, 4, 6, 2, 3];

/** The 16 numbers by their code. */
export const codebooks: Readonly<Record<CodebookKind, Float32Array>> = {
  nf4: Float32Array.from(nf4Table),
  fp4: Float32Array.from([...fp4Magnitudes, ...fp4Magnitudes.map((magnitude) => -magnitude)], (value) => value / 12),
};

/** What gives absmax its value where it is nested. */
export interface NestedScales {
  /** 256 f32 by byte */
  readonly map: Float32Array;
  readonly offset: number;
  /** one for each 256 absmax of the whole matrix */
  readonly scales: Float32Array;
}

function codebook(name: CodebookName): PackedFormat {
  const { kind, isNested, isUnaligned } = codebookParts(name);
  const lastBytes = (count: number) => (isUnaligned ? 4 : 0) + (isNested ? 4 * (HEADER + nestedScales(count)) : 0);
  const last: Plane = {
    name: isNested ? 'nested' : 'columns',
    bytes: (rows, columns) => lastBytes((rows * columns) / ABSMAX_BLOCK),
  };
  return {
    name,
    blockSize: isUnaligned ? 1 : BLOCK,
    planes: [
      { name: 'values', bytes: (rows, columns) => rows * codeBytes(4, columns) },
      { name: 'absmax', bytes: (rows, columns) => ((rows * columns) / ABSMAX_BLOCK) * (isNested ? 1 : 4) },
      ...(isNested || isUnaligned ? [last] : []),
    ],
    rowGroup: ROW_GROUP,
    decoder: {
      module: 'quant/codebook',
      conditions: { ...codeConditions(4), NF4: kind === 'nf4', NESTED: isNested, UNALIGNED: isUnaligned },
    },
    decode: (planes, rows, columns) => decode(planes, rows, columns, name),
  };
}

export const codebookFormats: Readonly<Record<CodebookName, PackedFormat>> = {
  nf4: codebook('nf4'),
  nf4_nested: codebook('nf4_nested'),
  nf4_unaligned: codebook('nf4_unaligned'),
  nf4_nested_unaligned: codebook('nf4_nested_unaligned'),
  fp4: codebook('fp4'),
  fp4_nested: codebook('fp4_nested'),
  fp4_unaligned: codebook('fp4_unaligned'),
  fp4_nested_unaligned: codebook('fp4_nested_unaligned'),
};

/** Scales that `count` absmax may need, wherever among the blocks of 256 they begin. */
function nestedScales(count: number): number {
  return Math.ceil(count / NESTED_BLOCK) + 1;
}

/**
 * Plane 2 of a shard: the map, the offset, a u32 with the place of the shard's first absmax in its block of 256, and the scales from
 * that block on.
 * @param first index of the shard's first absmax in the whole matrix
 */
export function nestedPlane(nested: NestedScales, first: number, count: number): Uint8Array {
  const from = Math.floor(first / NESTED_BLOCK);
  const scales = nested.scales.subarray(from, from + nestedScales(count));
  const words = new Float32Array(HEADER + scales.length);
  words.set(nested.map);
  words[MAP] = nested.offset;
  new Uint32Array(words.buffer)[MAP + 1] = first % NESTED_BLOCK;
  words.set(scales, HEADER);
  return new Uint8Array(words.buffer);
}

/** The last plane of an unaligned format. @param nested its plane 2 where absmax is nested */
export function columnsPlane(columns: number, nested: Uint8Array = new Uint8Array()): Uint8Array {
  const bytes = new Uint8Array(4 + nested.length);
  new DataView(bytes.buffer).setUint32(0, columns, true);
  bytes.set(nested, 4);
  return bytes;
}

/** Reads plane 2 of a whole matrix back. */
export function readNestedPlane(plane: Uint8Array, scales: number): NestedScales {
  const words = asFloats(plane);
  return { map: words.slice(0, MAP), offset: words[MAP]!, scales: words.slice(HEADER, HEADER + scales) };
}

/**
 * Whole rows from bitsandbytes' order into plane 0: each byte holds two codes, the first in the upper nibble.
 * @param rows a multiple of 4 unless they are the last
 */
export function repackCodebook(bytes: Uint8Array, rows: number, columns: number): Uint8Array {
  const codes = new CodePlane(4, rows, columns);
  const quartetOf = columns % 4 === 0 ? wholeQuartet : quartetOfNibbles;
  for (let row = 0; row < rows; row++)
    for (let block = 0; block * BLOCK < columns; block++) {
      const place = codes.at(row, block);
      const quartets = Math.min(QUARTETS, Math.ceil(columns / 4) - block * QUARTETS);
      for (let quartet = 0; quartet < quartets; quartet++) {
        const column = block * BLOCK + 4 * quartet;
        codes.put(place, quartet, quartetOf(bytes, row * columns + column, columns - column));
      }
    }
  return new Uint8Array(codes.words.buffer);
}

/** Four codes from the one at `index`, which begins a byte. */
function wholeQuartet(bytes: Uint8Array, index: number): number {
  const at = index >> 1;
  const [a, b] = [bytes[at]!, bytes[at + 1]!];
  return (a >> 4) | ((a & 15) << 8) | ((b >> 4) << 16) | ((b & 15) << 24);
}

/** Four codes from the one at `index`, wherever in a byte; as many as the row still has. */
function quartetOfNibbles(bytes: Uint8Array, index: number, left: number): number {
  let quartet = 0;
  for (let j = 0; j < Math.min(4, left); j++)
    quartet |= ((bytes[(index + j) >> 1]! >> ((index + j) & 1 ? 0 : 4)) & 15) << (8 * j);
  return quartet;
}

function decode(planes: readonly Uint8Array[], rows: number, columns: number, name: CodebookName): Float32Array {
  const { kind, isNested, isUnaligned } = codebookParts(name);
  const table = codebooks[kind];
  const codes = new CodePlane(4, rows, columns, asWords(planes[0]));
  const absmaxOf = isNested ? nestedAbsmax(planes[1]!, planes[2]!.subarray(isUnaligned ? 4 : 0)) : plainAbsmax(planes);
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let start = 0; start < columns;) {
      const first = row * columns;
      const end = Math.min(columns, start + ABSMAX_BLOCK - ((first + start) % ABSMAX_BLOCK));
      const absmax = absmaxOf(Math.floor((first + start) / ABSMAX_BLOCK));
      for (; start < end; start++) {
        const quartet = codes.get(codes.at(row, Math.floor(start / BLOCK)), (start % BLOCK) >> 2);
        values[first + start] = table[(quartet >>> (8 * (start & 3))) & 15]! * absmax;
      }
    }
  return values;
}

function plainAbsmax(planes: readonly Uint8Array[]): (index: number) => number {
  const absmax = asFloats(planes[1]);
  return (index) => absmax[index]!;
}

/** Rounded after the product and after the sum, as torch rounds them. */
function nestedAbsmax(bytes: Uint8Array, plane: Uint8Array): (index: number) => number {
  const nested = asFloats(plane);
  const first = asWords(plane)[MAP + 1]!;
  return (index) => {
    const scale = nested[HEADER + Math.floor((first + index) / NESTED_BLOCK)]!;
    return Math.fround(Math.fround(nested[bytes[index]!]! * scale) + nested[MAP]!);
  };
}

function asFloats(plane: Uint8Array | undefined): Float32Array {
  const words = asWords(plane);
  return new Float32Array(words.buffer, words.byteOffset, words.length);
}
