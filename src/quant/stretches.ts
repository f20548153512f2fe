/** Stretches of rows: what is in memory at a time of a weight that is quantised. */
import { UserError } from '../formats/errors.ts';
import { ABSMAX_BLOCK } from './codebook.ts';
import { BLOCK } from './codes.ts';
import { ROW_GROUP } from './interleave.ts';
import type { RowShard } from './shards.ts';

/** Weights of a stretch, unless the fewest rows that it may have are more. */
const STRETCH = 2 ** 21;

export interface Stretch {
  /** index of the shard that it lies in */
  readonly shard: number;
  /** of the shard, where the stretch begins: a multiple of 4 */
  readonly row: number;
  readonly rowCount: number;
}

/**
 * Rows of a stretch: all that there are, or so many that whole blocks of absmax and whole groups of interleaved rows are in it.
 * @param mostWeights lowers what a stretch holds
 */
export function stretchRows(rows: number, columns: number, mostWeights = STRETCH): number {
  const step = columns % BLOCK === 0 ? ROW_GROUP : ABSMAX_BLOCK;
  const steps = Math.floor(Math.min(STRETCH, mostWeights) / columns / step);
  return Math.min(rows, Math.max(1, steps) * step);
}

/** The stretches of a matrix in the order of its rows. */
export function* stretchesOf(
  shards: readonly RowShard[],
  columns: number,
  mostWeights?: number,
): Generator<Stretch, void> {
  for (const [shard, { rowCount: rows }] of shards.entries()) {
    const step = stretchRows(rows, columns, mostWeights);
    for (let row = 0; row < rows; row += step) yield { shard, row, rowCount: Math.min(step, rows - row) };
  }
}

/**
 * The bits of the largest |value| of each block of `block` values, the last perhaps shorter. As bits they are in the order of the
 * numbers, with infinity and NaN above all.
 */
export function blockMaxima(values: Float32Array, block: number, maxima: Float32Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const largest = new Uint32Array(maxima.buffer, maxima.byteOffset, maxima.length);
  for (let start = 0, i = 0; start < bits.length; start += block, i++) {
    let most = 0;
    const end = Math.min(start + block, bits.length);
    for (let j = start; j < end; j++) {
      const size = bits[j]! & 0x7fffffff;
      if (size > most) most = size;
    }
    largest[i] = most;
  }
}

/** Throws a UserError unless every absmax is a number: otherwise its block would be lost. */
export function requireFinite(absmax: Float32Array, name = 'A weight', isHalf = false): void {
  if (absmax.every(Number.isFinite)) return;
  throw new UserError(
    isHalf
      ? `${name} has numbers that are not finite or beyond 65,504, which INT8 cannot hold: bitsandbytes makes it from half floats. Use load_in_4bit instead, or download the model again if it is damaged.`
      : `${name} has numbers that are not finite: the weights are damaged. Download the model again.`,
  );
}
