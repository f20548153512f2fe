/** Floats into NF4 and FP4 with bitsandbytes' codes (backends/default/ops.py, quantize_4bit; functional.py, nested quantize_4bit). */
import { ABSMAX_BLOCK, codebooks, columnsPlane, NESTED_BLOCK, nestedPlane, type NestedScales } from './codebook.ts';
import { BLOCK, CodePlane, quartetOfBytes } from './codes.ts';
import { dynamicMap } from './dynamicMap.ts';
import type { PutPlane } from './packed.ts';
import type { FloatRows } from './quantise.ts';
import { packedFormat } from './registry.ts';
import type { RowShard } from './shards.ts';
import { blockMaxima, requireFinite, stretchesOf } from './stretches.ts';

export async function writeCodebook(
  source: FloatRows,
  kind: 'nf4' | 'fp4',
  isNested: boolean,
  shards: readonly RowShard[],
  put: PutPlane,
): Promise<void> {
  const { name, rows, columns } = source;
  const [values] = packedFormat(kind).planes;
  const absmax = new Float32Array(Math.ceil((rows * columns) / ABSMAX_BLOCK));
  for (const { shard, row, rowCount } of stretchesOf(shards, columns)) {
    const start = shards[shard]!.rowStart + row;
    const floats = await source.read(start, rowCount);
    const first = (start * columns) / ABSMAX_BLOCK;
    const largest = absmax.subarray(first, first + Math.ceil(floats.length / ABSMAX_BLOCK));
    blockMaxima(floats, ABSMAX_BLOCK, largest);
    requireFinite(largest, name);
    put(shard, 0, values!.bytes(row, columns), codebookCodes(floats, rowCount, columns, largest, kind));
  }
  putScales(absmax, isNested, columns, shards, put);
}

/** The planes beside the codes: absmax of the whole matrix as it is, or nested. */
export function putScales(
  absmax: Float32Array,
  isNested: boolean,
  columns: number,
  shards: readonly RowShard[],
  put: PutPlane,
): void {
  const nested = isNested ? nestScales(absmax) : undefined;
  shards.forEach(({ rowStart, rowCount }, s) => {
    const [first = 0, end = 0] = [rowStart, rowStart + rowCount].map((row) =>
      Math.ceil((row * columns) / ABSMAX_BLOCK),
    );
    const scales = nested ? nested.bytes.slice(first, end) : new Uint8Array(absmax.slice(first, end).buffer);
    put(s, 1, 0, scales);
    const last = nested && nestedPlane(nested, first, end - first);
    if (columns % BLOCK !== 0) put(s, 2, 0, columnsPlane(columns, last));
    else if (last) put(s, 2, 0, last);
  });
}

/** Numbers below which absmax counts as this much, so that a block of zeros has a reciprocal. */
export const leastAbsmax = Math.fround(1e-38);

function reciprocal(absmax: number): number {
  return Math.fround(1 / Math.max(absmax, leastAbsmax));
}

function codebookCodes(
  values: Float32Array,
  rows: number,
  columns: number,
  absmax: Float32Array,
  kind: 'nf4' | 'fp4',
): Uint8Array {
  const nearest = nearestCodes(values, absmax, searchTables[kind]);
  const plane = new CodePlane(4, rows, columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column += 4) {
      const at = row * columns + column;
      const quartet = quartetOfBytes(nearest, at, columns - column);
      plane.put(plane.at(row, Math.floor(column / BLOCK)), (column % BLOCK) >> 2, quartet);
    }
  return new Uint8Array(plane.words.buffer);
}

/** Of each value the code whose number is nearest to value / absmax. */
function nearestCodes(values: Float32Array, absmax: Float32Array, { bounds, codes }: SearchTable): Uint8Array {
  const places = coarsePlaces(bounds);
  const nearest = new Uint8Array(values.length);
  for (const [block, largest] of absmax.entries()) {
    const scale = reciprocal(largest);
    const end = Math.min((block + 1) * ABSMAX_BLOCK, values.length);
    for (let i = block * ABSMAX_BLOCK; i < end; i++) {
      // in -1…1; steps of the coarse search are finer than the bounds lie, so that at most one of these is left to compare with
      const scaled = Math.fround(values[i]! * scale);
      const place = places[(scaled * COARSE_STEPS + COARSE_STEPS) | 0]!;
      nearest[i] = codes[scaled > bounds[place]! ? place + 1 : place]!;
    }
  }
  return nearest;
}

/** Codes in the order of their numbers, and the middles between neighbours. */
export interface SearchTable {
  readonly codes: Uint8Array;
  readonly bounds: Float32Array;
}

/** The least f32 with all its digits: what is smaller may count as zero on a GPU, so it parts FP4's two zeros here, too. */
const LEAST_NORMAL = 2 ** -126;

function searchTable(table: Float32Array): SearchTable {
  const codes = Uint8Array.from(table.keys()).sort((a, b) => table[a]! - table[b]!);
  const bounds = new Float32Array(codes.length - 1);
  for (let i = 0; i < bounds.length; i++)
    bounds[i] = Math.fround(table[codes[i]!]! + table[codes[i + 1]!]!) / 2 || LEAST_NORMAL;
  return { bounds, codes };
}

export const searchTables: Readonly<Record<'nf4' | 'fp4', SearchTable>> = {
  nf4: searchTable(codebooks.nf4),
  fp4: searchTable(codebooks.fp4),
};

/** steps from 0 to 1; fewer than 1 / 0.0026, the least distance of two bounds (FP4's), would not tell them apart */
const COARSE_STEPS = 2048;

/** For each step from -1 to 1 the number of bounds below its beginning: where the search goes on. */
function coarsePlaces(bounds: Float32Array): Uint8Array {
  const below = (value: number) => bounds.filter((bound) => bound < value).length;
  return Uint8Array.from({ length: 2 * COARSE_STEPS + 1 }, (_, i) => below(i / COARSE_STEPS - 1));
}

/** absmax − its mean as bytes of the dynamic map, in blocks of 256 with a scale each. */
function nestScales(absmax: Float32Array): NestedScales & { readonly bytes: Uint8Array } {
  const map = dynamicMap();
  const offset = Math.fround(absmax.reduce((sum, value) => sum + value, 0) / absmax.length);
  const centred = absmax.map((value) => value - offset);
  const scales = new Float32Array(Math.ceil(absmax.length / NESTED_BLOCK));
  blockMaxima(centred, NESTED_BLOCK, scales);
  const { bounds } = searchTable(map);
  const bytes = new Uint8Array(absmax.length);
  for (const [block, largest] of scales.entries()) {
    const scale = reciprocal(largest);
    const end = Math.min((block + 1) * NESTED_BLOCK, bytes.length);
    for (let i = block * NESTED_BLOCK; i < end; i++) {
      const scaled = Math.fround(centred[i]! * scale);
      let place = 0;
      for (let step = 128; step > 0; step >>= 1) if (scaled > bounds[place + step - 1]!) place += step;
      bytes[i] = place;
    }
  }
  return { map, offset, scales, bytes };
}
