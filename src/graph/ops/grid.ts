import type { Grid } from '../../gpu/kernel.ts';

/** WebGPU's guaranteed limit on each dimension of a dispatch. */
const largestDimension = 65535;

/** A grid of at least `count` workgroups, in two dimensions where one is too few: flat id = wg.y × num_workgroups.x + wg.x. */
export function workgroupGrid(count: number): Grid {
  const rows = Math.max(1, Math.ceil(count / largestDimension));
  return [Math.max(1, Math.ceil(count / rows)), rows, 1];
}

/** A grid with at least one invocation for each of `threads`. The kernel guards the tail. */
export function flatGrid(threads: number, workgroupSize = 256): Grid {
  return workgroupGrid(Math.ceil(threads / workgroupSize));
}

/** A range of an op's outputs that one dispatch makes. */
export interface Piece {
  readonly start: number;
  readonly count: number;
}

/**
 * Cuts `count` outputs that cost `flopsEach` into the fewest even ranges that stay under the limit of one dispatch.
 * `step` is what a range's start must be a multiple of.
 */
export function splitOutputs(count: number, flopsEach: number, flopsPerDispatch: number, step = 1): Piece[] {
  const units = Math.ceil(count / step);
  const unitsPerPiece = Math.max(1, Math.floor(flopsPerDispatch / Math.max(1, flopsEach * step)));
  const pieceCount = Math.max(1, Math.ceil(units / unitsPerPiece));
  const size = Math.ceil(units / pieceCount) * step;
  const pieces: Piece[] = [];
  for (let start = 0; start < count; start += size) pieces.push({ start, count: Math.min(size, count - start) });
  return pieces;
}
