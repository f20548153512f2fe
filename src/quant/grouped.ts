/**
 * Codes of 2, 3, 4 or 8 bits, value = d · (q − z), with d (f16) and z (a whole number) of each group of columns of a row: what GPTQ and AWQ
 * come to. A group is `size` consecutive columns (g), or those that an index of columns gives it (x: GPTQ's act-order).
 *
 * GPU (shaders/quant/grouped.wgsl), plane 0 `values`: codes (codes.ts). Plane 1 `scales`: for each group a word, d and z in halves, the
 * words of four rows side by side. Plane 2 `groups`: u32, the number of groups, then the group of each block of 32 columns (g) or of each
 * column (x).
 */
import { asWords } from './affine.ts';
import { BLOCK, codeBytes, codeConditions, CodePlane, type CodeBits } from './codes.ts';
import type { GroupedFormatName, PackedFormat } from './format.ts';
import { halfToFloat } from './half.ts';
import { firstWordOfRow, ROW_GROUP } from './interleave.ts';

export type GroupedBits = CodeBits & (2 | 3 | 4 | 8);

export interface Grouping {
  readonly bits: GroupedBits;
  /** columns of a group; the last may be smaller */
  readonly size: number;
  readonly isIndexed: boolean;
}

export function groupedName({ bits, size, isIndexed }: Grouping): GroupedFormatName {
  return `int${bits}_${isIndexed ? 'x' : 'g'}${size}`;
}

/** The grouping that a name stands for, or undefined for the name of another format. */
export function groupingOf(name: string): Grouping | undefined {
  const match = /^int([2348])_([gx])(\d+)$/.exec(name);
  return match
    ? { bits: Number(match[1]) as GroupedBits, isIndexed: match[2] === 'x', size: Number(match[3]) }
    : undefined;
}

/** AWQ has 4 bits, and no index where its groups are whole blocks: the rest is GPTQ's alone. */
export function groupedLabel({ bits, size, isIndexed }: Grouping): string {
  const isActOrder = isIndexed && size % BLOCK === 0;
  const method = bits === 4 && !isActOrder ? 'GPTQ or AWQ' : 'GPTQ';
  return `${method} ${bits}-bit, groups of ${size}${isActOrder ? ' in activation order' : ''}`;
}

export function groupedFormat(grouping: Grouping): PackedFormat {
  const { bits, size, isIndexed } = grouping;
  const groups = (columns: number) => Math.ceil(columns / size);
  return {
    name: groupedName(grouping),
    blockSize: 4,
    planes: [
      { name: 'values', bytes: (rows, columns) => rows * codeBytes(bits, columns) },
      { name: 'scales', bytes: (rows, columns) => rows * groups(columns) * 4 },
      { name: 'groups', bytes: (_, columns) => 4 * (1 + (isIndexed ? columns : Math.ceil(columns / BLOCK))) },
    ],
    rowGroup: ROW_GROUP,
    decoder: { module: 'quant/grouped', conditions: { ...codeConditions(bits), INDEXED: isIndexed } },

    decode(planes, rows, columns) {
      const codes = new CodePlane(bits, rows, columns, asWords(planes[0]));
      const [scales, [count = 0, ...groupOf]] = [asWords(planes[1]), asWords(planes[2])];
      const values = new Float32Array(rows * columns);
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++) {
          const block = Math.floor(column / BLOCK);
          const group = groupOf[isIndexed ? column : block]!;
          const word = scales[firstWordOfRow(row, count) + group * ROW_GROUP]!;
          const q = (codes.get(codes.at(row, block), (column % BLOCK) >> 2) >>> (8 * (column & 3))) & 255;
          values[row * columns + column] = halfToFloat(word) * (q - halfToFloat(word >>> 16));
        }
      return values;
    },
  };
}

/** Plane 2. @param groupOf group of each column */
export function groupPlane({ size, isIndexed }: Grouping, groupOf: ArrayLike<number>): Uint8Array {
  const columns = groupOf.length;
  const listed = isIndexed
    ? Array.from(groupOf)
    : Array.from({ length: Math.ceil(columns / BLOCK) }, (_, i) => groupOf[i * BLOCK]!);
  return new Uint8Array(Uint32Array.from([Math.ceil(columns / size), ...listed]).buffer);
}
