import { packedTensor } from '../tests/ops/packedWeights.ts';
import type { FormatName } from '../src/quant/format.ts';
import { decodePacked, packedPlanes } from '../src/quant/packed.ts';
import { isWeightFormat, weightFormats } from '../src/quant/registry.ts';
import type { RowShard } from '../src/quant/shards.ts';
import { weightBytes } from './numbers.ts';

/** A matrix of arbitrary numbers in a stored format, as it is before it is put on the GPU. */
export interface BenchmarkWeight {
  /** The planes of each shard: what loading a file does on the CPU; quantising, for formats that are made while loading. */
  planes(shards: readonly RowShard[]): Promise<Uint8Array[][]>;
  decode(): Promise<Float32Array>;
}

export function benchmarkWeight(format: FormatName, rows: number, columns: number): BenchmarkWeight {
  if (!isWeightFormat(format)) {
    const tensor = packedTensor(format, rows, columns);
    return { planes: (shards) => packedPlanes(tensor, shards), decode: () => decodePacked(tensor) };
  }
  const bytes = weightBytes(format, rows * columns, 5);
  const rowBytes = bytes.byteLength / rows;
  const { repack, decode } = weightFormats[format];
  const planesOf = ({ rowStart, rowCount }: RowShard) =>
    repack(bytes.subarray(rowStart * rowBytes, (rowStart + rowCount) * rowBytes), rowCount, columns);
  return {
    planes: (shards) => Promise.resolve(shards.map(planesOf)),
    decode: () => Promise.resolve(decode(bytes, rows * columns)),
  };
}
