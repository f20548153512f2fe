/**
 * GGUF's K formats: superblocks of 256 weights, whose 8 blocks of 32 (or 16 half blocks of 16) have small integer scales that a
 * half-precision d multiplies (ggml-quants.h; gguf, quants.py). On the GPU:
 *
 * Plane 0 `values`: codes (codes.ts). Plane 1 `scales`: `scaleWords` words a superblock, those of four rows side by side.
 * Plane 2 `superScales`, where d has no place among those words: d as a half, four rows in two words, [rows / 4, superblocks, 2].
 */
import { asWords, decodeAffine, decodeByPlanes, type BlockScales } from './affine.ts';
import { codeConditions, CodePlane, QUARTETS, type CodeBits } from './codes.ts';
import { checkBytes, checkScale } from './fileBytes.ts';
import { blockPlane, type BlockFormat } from './format.ts';
import { halfToFloat } from './half.ts';
import { firstWordOfRow, interleavedWords, ROW_GROUP } from './interleave.ts';

export const SUPERBLOCK = 256;
const BLOCKS = 8;
/** weights that share a scale in every format */
export const HALF_BLOCK = 16;

export interface SuperblockLayout {
  readonly name: 'q2_k' | 'q3_k' | 'q4_k' | 'q5_k' | 'q6_k';
  readonly bits: CodeBits;
  readonly fileBytes: number;
  readonly decoder: string;
  readonly scaleWords: number;
  /** where d and, in formats that have one, dmin lie in the file's superblock */
  readonly halves: readonly number[];
  /** d is in plane 2 */
  readonly hasSuperScales: boolean;
  /** Sets the quartets of a block, codes as the bytes of a word; `at` is where the superblock begins. */
  codes(file: DataView, at: number, block: number, quartets: Uint32Array): void;
  /** The words of plane 1. */
  scales(file: DataView, at: number): readonly number[];
  /** d and m of a block by those words and, where there is plane 2, the half of d. */
  blockScales(word: (index: number) => number, block: number, d: number): BlockScales;
}

export function superblockFormat(layout: SuperblockLayout): BlockFormat {
  const { name, bits, fileBytes, scaleWords, hasSuperScales } = layout;
  const format: BlockFormat = {
    name,
    blockSize: SUPERBLOCK,
    fileBytesPerBlock: fileBytes,
    planes: [
      blockPlane('values', SUPERBLOCK, bits * 4 * BLOCKS),
      blockPlane('scales', SUPERBLOCK, scaleWords * 4),
      ...(hasSuperScales ? [blockPlane('superScales', SUPERBLOCK, 2)] : []),
    ],
    rowGroup: ROW_GROUP,
    decoder: { module: layout.decoder, conditions: codeConditions(bits) },
    decode(bytes, count) {
      checkBytes(name, bytes, count, SUPERBLOCK, fileBytes);
      return decodeByPlanes(
        format,
        (planes, rows, columns) => decodePlanes(layout, planes, rows, columns),
        bytes,
        count,
      );
    },
    repack(bytes, rows, columns) {
      checkBytes(name, bytes, rows * columns, SUPERBLOCK, fileBytes);
      return repack(layout, bytes, rows, columns / SUPERBLOCK);
    },
  };
  return format;
}

/** d and m of each half block of a superblock of the file, value = d · q + m. f64, [16, 2]. */
export function superblockScales(layout: SuperblockLayout, file: DataView): Float64Array {
  const words = layout.scales(file, 0);
  const d = layout.hasSuperScales ? halfToFloat(file.getUint16(layout.halves[0]!, true)) : 0;
  const scales = new Float64Array(4 * BLOCKS);
  for (let block = 0; block < BLOCKS; block++)
    scales.set(
      layout.blockScales((index) => words[index]!, block, d),
      4 * block,
    );
  return scales;
}

function repack(layout: SuperblockLayout, bytes: Uint8Array, rows: number, superblocks: number): Uint8Array[] {
  const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const codes = new CodePlane(layout.bits, rows, superblocks * SUPERBLOCK);
  const scales = new Uint32Array(interleavedWords(rows, superblocks * layout.scaleWords));
  const superScales = new Uint16Array(layout.hasSuperScales ? interleavedWords(rows, superblocks) : 0);
  const quartets = new Uint32Array(QUARTETS);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    let scale = firstWordOfRow(row, superblocks * layout.scaleWords);
    for (let superblock = 0; superblock < superblocks; superblock++) {
      for (const half of layout.halves) checkScale(layout.name, file.getUint16(at + half, true));
      for (let block = 0; block < BLOCKS; block++) {
        const place = codes.at(row, superblock * BLOCKS + block);
        layout.codes(file, at, block, quartets);
        codes.putBlock(place, quartets);
      }
      for (const word of layout.scales(file, at)) {
        scales[scale] = word;
        scale += ROW_GROUP;
      }
      if (layout.hasSuperScales)
        superScales[firstWordOfRow(row, superblocks) + superblock * ROW_GROUP] = file.getUint16(
          at + layout.halves[0]!,
          true,
        );
      at += layout.fileBytes;
    }
  }
  const planes = [new Uint8Array(codes.words.buffer), new Uint8Array(scales.buffer)];
  return layout.hasSuperScales ? [...planes, new Uint8Array(superScales.buffer)] : planes;
}

function decodePlanes(
  layout: SuperblockLayout,
  planes: readonly Uint8Array[],
  rows: number,
  columns: number,
): Float32Array {
  const superblocks = columns / SUPERBLOCK;
  const scales = asWords(planes[1]);
  const superScales = planes[2] && new Uint16Array(planes[2].buffer, planes[2].byteOffset, planes[2].byteLength / 2);
  return decodeAffine(planes, rows, columns, layout.bits, (row, block) => {
    const superblock = block >> 3;
    const first = firstWordOfRow(row, superblocks * layout.scaleWords) + superblock * layout.scaleWords * ROW_GROUP;
    const d = superScales ? halfToFloat(superScales[firstWordOfRow(row, superblocks) + superblock * ROW_GROUP]!) : 0;
    return layout.blockScales((index) => scales[first + index * ROW_GROUP]!, block & 7, d);
  });
}
