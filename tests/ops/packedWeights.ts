import { groupedTensor, type GroupedSource } from '../../src/formats/groupedTensor.ts';
import {
  ABSMAX_BLOCK,
  codebookFormats,
  codebookParts,
  columnsPlane,
  NESTED_BLOCK,
  nestedPlane,
  repackCodebook,
} from '../../src/quant/codebook.ts';
import { BLOCK, QUARTETS } from '../../src/quant/codes.ts';
import { dynamicMap } from '../../src/quant/dynamicMap.ts';
import type { CodebookName, PackedFormatName } from '../../src/quant/format.ts';
import { groupingOf, type Grouping } from '../../src/quant/grouped.ts';
import { floatToHalf } from '../../src/quant/half.ts';
import { decodePacked, type PackedTensor } from '../../src/quant/packed.ts';
import { quantised } from '../../src/quant/quantise.ts';
import { noise, type Operand } from './harness.ts';

/** A matrix of arbitrary numbers in any format that is put together while it is loaded. */
export function packedTensor(format: PackedFormatName, rows: number, columns: number, seed = 5): PackedTensor {
  const grouping = groupingOf(format);
  if (grouping) return randomGroups(grouping, rows, columns, seed);
  if (format !== 'int8') return randomCodes(format as CodebookName, rows, columns, seed);
  const floats = Float32Array.from(noise(rows * columns, seed));
  const read = (rowStart: number, rowCount: number) =>
    Promise.resolve(floats.slice(rowStart * columns, (rowStart + rowCount) * columns));
  return quantised({ rows, columns, read }, { kind: 'int8', doubleQuant: false });
}

/** Every code, in blocks of absmax that run through the whole matrix. */
function randomCodes(format: CodebookName, rows: number, columns: number, seed: number): PackedTensor {
  const { isNested, isUnaligned } = codebookParts(format);
  const count = Math.ceil((rows * columns) / ABSMAX_BLOCK);
  const bytes = Uint8Array.from(noise(Math.ceil((rows * columns) / 2) + 1, seed), (x) => Math.floor((x + 1) * 128));
  const absmax = isNested
    ? Uint8Array.from(noise(count, seed + 1), (x) => Math.floor((x + 1) * 128))
    : new Uint8Array(Float32Array.from(noise(count, seed + 1), (x) => x / 8).buffer);
  const scales = Float32Array.from(noise(Math.ceil(count / NESTED_BLOCK), seed + 2), (x) => x / 8);
  const nested = { map: dynamicMap(), offset: 0.15, scales };
  const values = codebookFormats[format].planes[0]!;
  return {
    format,
    rows,
    columns,
    write(shards, put) {
      shards.forEach(({ rowStart, rowCount }, s) => {
        const from = (rowStart * columns) / 2;
        put(s, 0, values.bytes(0, columns), repackCodebook(bytes.subarray(from), rowCount, columns));
        const [first, end] = [rowStart, rowStart + rowCount].map((row) => Math.ceil((row * columns) / ABSMAX_BLOCK));
        const size = isNested ? 1 : 4;
        put(s, 1, 0, absmax.subarray(first! * size, end! * size));
        const last = isNested ? nestedPlane(nested, first!, end! - first!) : undefined;
        if (isUnaligned) put(s, 2, 0, columnsPlane(columns, last));
        else if (last) put(s, 2, 0, last);
      });
      return Promise.resolve();
    },
  };
}

/** The same as an operand, with the numbers that it stands for. */
export async function packedWeight(format: PackedFormatName, rows: number, columns: number): Promise<Operand> {
  const tensor = packedTensor(format, rows, columns);
  return { kind: 'packed', shape: [rows, columns], tensor, values: await decodePacked(tensor) };
}

function randomGroups(grouping: Grouping, rows: number, columns: number, seed: number): PackedTensor {
  const { bits, size, isIndexed } = grouping;
  const groups = Math.ceil(columns / size);
  const groupOf = Int32Array.from({ length: columns }, (_, i) => (isIndexed ? (i * 7 + 3) % groups : i / size));
  const source: GroupedSource = {
    scales: Uint16Array.from(noise(groups * rows, seed), (x) => floatToHalf(x / 8)),
    zeroPoint: (group: number, row: number) => (group * 5 + row * 3) & (2 ** bits - 1),
    putCodes(plane, shard) {
      for (let row = 0; row < shard.rowCount; row++)
        for (let block = 0; block * BLOCK < columns; block++)
          for (let quartet = 0; quartet < QUARTETS; quartet++)
            plane.put(
              plane.at(row, block),
              quartet,
              Math.imul((shard.rowStart + row) * 4093 + block * 8 + quartet + 1, 2654435761),
            );
    },
  };
  return groupedTensor({ rows, columns, grouping, groupOf, read: () => Promise.resolve(source) });
}
