/** What GPTQ and AWQ share on their way to the GPU: a matrix of codes with a scale and a zero point for each group of columns. */
import { CodePlane } from '../quant/codes.ts';
import { groupedName, groupPlane, type Grouping } from '../quant/grouped.ts';
import { floatToHalf, halfToFloat } from '../quant/half.ts';
import { firstWordOfRow, interleavedWords, ROW_GROUP } from '../quant/interleave.ts';
import type { PackedTensor } from '../quant/packed.ts';
import type { RowShard } from '../quant/shards.ts';
import { UserError } from './errors.ts';
import { readFloatTensor } from './floatTensors.ts';
import { readTensorBytes, type TensorEntry } from './tensorEntry.ts';

export interface GroupedParts {
  readonly rows: number;
  readonly columns: number;
  readonly grouping: Grouping;
  /** group of each column */
  readonly groupOf: ArrayLike<number>;
  /** Reads what the planes are made of; called for each loading, so that nothing stays in memory. */
  read(): Promise<GroupedSource>;
}

export interface GroupedSource {
  /** halves, [groups, rows] */
  readonly scales: Uint16Array;
  zeroPoint(group: number, row: number): number;
  /** Puts the codes of a shard into its plane. */
  putCodes(plane: CodePlane, shard: RowShard): void;
}

export function groupedTensor({ rows, columns, grouping, groupOf, read }: GroupedParts): PackedTensor {
  return {
    format: groupedName(grouping),
    rows,
    columns,
    async write(shards, put) {
      const source = await read();
      const groups = Math.ceil(columns / grouping.size);
      shards.forEach((shard, s) => {
        const codes = new CodePlane(grouping.bits, shard.rowCount, columns);
        source.putCodes(codes, shard);
        put(s, 0, 0, new Uint8Array(codes.words.buffer));
        const scales = new Uint32Array(interleavedWords(shard.rowCount, groups));
        for (let group = 0; group < groups; group++)
          for (let row = 0; row < shard.rowCount; row++) {
            const d = source.scales[group * rows + shard.rowStart + row]!;
            const z = floatToHalf(source.zeroPoint(group, shard.rowStart + row));
            scales[firstWordOfRow(row, groups) + group * ROW_GROUP] = d | (z << 16);
          }
        put(s, 1, 0, new Uint8Array(scales.buffer));
        put(s, 2, 0, groupPlane(grouping, groupOf));
      });
    },
  };
}

/**
 * Gives for each value of a weight [rows, columns] the code that comes nearest to it with the scales and zero points as they are. Where a
 * scale is 0 every code means 0, and none is given.
 */
export function nearestCodes(
  { rows, columns, grouping, groupOf }: Omit<GroupedParts, 'read'>,
  { scales, zeroPoint }: Pick<GroupedSource, 'scales' | 'zeroPoint'>,
  values: Float32Array,
  put: (row: number, column: number, code: number) => void,
): void {
  const groups = Math.ceil(columns / grouping.size);
  const most = 2 ** grouping.bits - 1;
  for (let row = 0; row < rows; row++) {
    const steps = Float32Array.from({ length: groups }, (_, group) => halfToFloat(scales[group * rows + row]!));
    const zeros = Uint8Array.from(steps, (_, group) => zeroPoint(group, row));
    for (let column = 0; column < columns; column++) {
      const group = groupOf[column]!;
      const step = steps[group]!;
      if (step === 0) continue;
      const code = Math.round(values[row * columns + column]! / step) + zeros[group]!;
      put(row, column, Math.max(0, Math.min(most, code)));
    }
  }
}

/** Throws a UserError that names the tensor unless its type and shape are these. */
export function requireTensor(entry: TensorEntry, type: TensorEntry['format'], shape: readonly number[]): void {
  if (entry.format === type && entry.shape.join() === shape.join()) return;
  throw new UserError(
    `${entry.source.name}: ${entry.name} is ${entry.format.toUpperCase()} [${entry.shape.join(', ')}], but ${type.toUpperCase()} [${shape.join(', ')}] belongs there ` +
      `by the bits and the group_size of its settings. Download the weights and the settings again, from the same place.`,
  );
}

/** 32-bit words of a packed tensor. */
export async function readWords(entry: TensorEntry): Promise<Uint32Array> {
  return new Uint32Array((await readTensorBytes(entry)).buffer);
}

/** Scales as halves. Throws a UserError where one is not finite, or is stored with more digits than a half has. */
export async function readScales(entry: TensorEntry): Promise<Uint16Array> {
  const halves =
    entry.format === 'f16'
      ? new Uint16Array((await readTensorBytes(entry)).buffer)
      : exactHalves(entry, (await readFloatTensor(entry)).data);
  if (halves.some((bits) => (bits & 0x7c00) === 0x7c00))
    throw new UserError(
      `${entry.source.name}: ${entry.name} has a scale that is not finite: the weights are damaged. Download the model again.`,
    );
  return halves;
}

function exactHalves(entry: TensorEntry, values: Float32Array): Uint16Array {
  const halves = Uint16Array.from(values, floatToHalf);
  if (values.every((value, i) => value === halfToFloat(halves[i]!))) return halves;
  throw new UserError(
    `${entry.source.name}: ${entry.name} is stored as ${entry.format} with numbers that F16 cannot hold, and Graft keeps such scales as F16. Choose the model with scales in F16.`,
  );
}
