/** Matrices that no file holds row by row: they are put together for the GPU while they are loaded. */
import type { PackedFormatName } from './format.ts';
import { packedFormat } from './registry.ts';
import { planeBytes, type RowShard } from './shards.ts';

/** Takes bytes of a plane of a shard; every byte of every plane that is not zero is given once. */
export type PutPlane = (shard: number, plane: number, offset: number, bytes: Uint8Array) => void;

export interface PackedTensor {
  readonly format: PackedFormatName;
  readonly rows: number;
  readonly columns: number;
  /** Reads the file in stretches and gives the planes of all shards. No more than one shard is in memory. */
  write(shards: readonly RowShard[], put: PutPlane): Promise<void>;
}

/** The planes of each shard, in memory. */
export async function packedPlanes(tensor: PackedTensor, shards: readonly RowShard[]): Promise<Uint8Array[][]> {
  const format = packedFormat(tensor.format);
  const planes = shards.map(({ rowCount }) =>
    planeBytes(format, rowCount, tensor.columns).map((bytes) => new Uint8Array(bytes)),
  );
  await tensor.write(shards, (shard, plane, offset, bytes) => planes[shard]![plane]!.set(bytes, offset));
  return planes;
}

/** All weights as f32, [rows, columns]. */
export async function decodePacked(tensor: PackedTensor): Promise<Float32Array> {
  const { rows, columns } = tensor;
  const [planes] = await packedPlanes(tensor, [{ rowStart: 0, rowCount: rows }]);
  return packedFormat(tensor.format).decode(planes!, rows, columns);
}
