import { groupedTensor, type GroupedSource } from '../../src/formats/groupedTensor.ts';
import { BLOCK, QUARTETS } from '../../src/quant/codes.ts';
import type { PackedFormatName } from '../../src/quant/format.ts';
import { groupingOf, type Grouping } from '../../src/quant/grouped.ts';
import { floatToHalf } from '../../src/quant/half.ts';
import { decodePacked, type PackedTensor } from '../../src/quant/packed.ts';
import { quantised } from '../../src/quant/quantise.ts';
import { noise, type Operand } from './harness.ts';

/** A matrix of arbitrary numbers in any format that is put together while it is loaded. */
export function packedTensor(format: PackedFormatName, rows: number, columns: number, seed = 5): PackedTensor {
  const grouping = groupingOf(format);
  if (grouping) return randomGroups(grouping, rows, columns, seed);
  const [kind, nested] = format.split('_') as ['nf4' | 'fp4' | 'int8', string | undefined];
  const floats = Float32Array.from(noise(rows * columns, seed));
  const read = (rowStart: number, rowCount: number) =>
    Promise.resolve(floats.slice(rowStart * columns, (rowStart + rowCount) * columns));
  return quantised({ rows, columns, read }, { kind, doubleQuant: nested !== undefined });
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
