/** How a weight matrix is split by rows where it is larger than a binding may be, and what its planes take. */
import { UserError } from '../formats/errors.ts';
import type { WeightFormat } from './format.ts';

export interface RowShard {
  readonly rowStart: number;
  readonly rowCount: number;
}

/** WebGPU's alignment of a storage buffer's offset: the guaranteed minStorageBufferOffsetAlignment. */
const OFFSET_ALIGNMENT = 256;
/** rows that a kernel's tile covers; a shard boundary inside a tile would cost a branch */
const TILE_ROWS = 64;
/** The largest binding that is asked for, however much the device offers: allocations beyond it fail on phones. */
const MAX_BINDING_BYTES = 2 ** 30;

/** Bytes of each plane of a [rows, columns] matrix: rows filled up to the row group, the whole to words. */
export function planeBytes(format: WeightFormat, rows: number, columns: number): number[] {
  const paddedRows = Math.ceil(rows / format.rowGroup) * format.rowGroup;
  return format.planes.map((plane) => Math.ceil(plane.bytes(paddedRows, columns) / 4) * 4);
}

/**
 * Splits rows so that every plane of every shard fits a binding of `bindingLimit` bytes (and 1 GiB). All shards but the last have
 * the same number of rows, a multiple of 64 and of the row group; of plain floats, which may share a buffer with others (parameters
 * that are trained), one that begins at a valid binding offset, a multiple of 256 bytes. Throws a UserError where not even that many rows fit.
 */
export function shardRows(rows: number, columns: number, format: WeightFormat, bindingLimit: number): RowShard[] {
  const limit = Math.min(bindingLimit, MAX_BINDING_BYTES);
  const fits = (count: number) => planeBytes(format, count, columns).every((bytes) => bytes <= limit);
  if (fits(rows)) return [{ rowStart: 0, rowCount: rows }];
  const step = alignedRows(format, columns);
  const largestPlane = Math.max(...planeBytes(format, step, columns));
  const rowsPerShard = Math.floor(limit / largestPlane) * step;
  if (rowsPerShard === 0) {
    throw new UserError(
      `A weight with rows of ${columns} columns does not fit this device, whose buffers bind at most ${bindingLimit} bytes. Choose a smaller model.`,
    );
  }
  const shards: RowShard[] = [];
  for (let rowStart = 0; rowStart < rows; rowStart += rowsPerShard) {
    shards.push({ rowStart, rowCount: Math.min(rowsPerShard, rows - rowStart) });
  }
  return shards;
}

/** The least multiple of TILE_ROWS and the row group (both powers of two) at which a shard may begin. */
function alignedRows(format: WeightFormat, columns: number): number {
  let step = Math.max(TILE_ROWS, format.rowGroup);
  while (format.rowGroup === 1 && planeBytes(format, step, columns).some((bytes) => bytes % OFFSET_ALIGNMENT !== 0))
    step *= 2;
  return step;
}
