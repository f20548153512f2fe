/** Floats into blocks while they are loaded, with the codes that bitsandbytes gives. */
import { ABSMAX_BLOCK, codebooks, NESTED_BLOCK, nestedPlane, type NestedScales } from './codebook.ts';
import { BLOCK, CodePlane } from './codes.ts';
import { dynamicMap } from './dynamicMap.ts';
import type { PackedFormatName } from './format.ts';
import { floatToHalf, halfToFloat } from './half.ts';
import type { PackedTensor, PutPlane } from './packed.ts';
import { packedFormat } from './registry.ts';
import type { RowShard } from './shards.ts';

/** How the linears of a model are quantised on loading. */
export interface Quantisation {
  readonly kind: 'nf4' | 'fp4' | 'int8';
  /** nf4, fp4: the blocks' scales are quantised, too */
  readonly doubleQuant: boolean;
  /** the embedding and the head in INT8, too, which otherwise stay as they are stored */
  readonly embeddings?: boolean;
}

export function quantisedFormat({ kind, doubleQuant }: Pick<Quantisation, 'kind' | 'doubleQuant'>): PackedFormatName {
  return kind !== 'int8' && doubleQuant ? `${kind}_nested` : kind;
}

/** Floats, [rows, columns], that are read in stretches of rows. */
export interface FloatRows {
  readonly rows: number;
  readonly columns: number;
  read(rowStart: number, rowCount: number): Promise<Float32Array>;
}

/** floats that are read at a time */
const stretch = 1 << 21;

/** The matrix in the format that it is to be quantised to. Columns must be a multiple of 32 for nf4 and fp4. */
export function quantised(source: FloatRows, quantisation: Quantisation): PackedTensor {
  const { rows, columns } = source;
  const { kind } = quantisation;
  const format = quantisedFormat(quantisation);
  if (kind !== 'int8' && columns % BLOCK !== 0)
    throw new RangeError(`${kind}: rows of ${columns} weights are no whole blocks of ${BLOCK}`);
  const write =
    kind === 'int8'
      ? (shards: readonly RowShard[], put: PutPlane) => writeInt8(source, shards, put)
      : (shards: readonly RowShard[], put: PutPlane) =>
          writeCodebook(source, kind, quantisation.doubleQuant, shards, put);
  return { format, rows, columns, write };
}

/** Stretches of a shard's rows, a multiple of 64 each unless it is the last. */
async function eachStretch(
  source: FloatRows,
  { rowStart, rowCount }: RowShard,
  use: (row: number, rows: number, values: Float32Array) => void,
): Promise<void> {
  const step = Math.max(64, Math.floor(stretch / source.columns / 64) * 64);
  for (let row = 0; row < rowCount; row += step) {
    const rows = Math.min(step, rowCount - row);
    use(row, rows, await source.read(rowStart + row, rows));
  }
}

async function writeCodebook(
  source: FloatRows,
  kind: 'nf4' | 'fp4',
  isNested: boolean,
  shards: readonly RowShard[],
  put: PutPlane,
): Promise<void> {
  const { rows, columns } = source;
  const [values] = packedFormat(kind).planes;
  const absmax = new Float32Array(Math.ceil((rows * columns) / ABSMAX_BLOCK));
  for (const [s, shard] of shards.entries())
    await eachStretch(source, shard, (row, count, floats) => {
      const first = ((shard.rowStart + row) * columns) / ABSMAX_BLOCK;
      blockMaxima(floats, ABSMAX_BLOCK, absmax.subarray(first));
      put(s, 0, values!.bytes(row, columns), codebookCodes(floats, count, columns, absmax.subarray(first), kind));
    });
  const nested = isNested ? nestScales(absmax) : undefined;
  shards.forEach(({ rowStart, rowCount }, s) => {
    const [first, end] = [rowStart, rowStart + rowCount].map((row) => Math.ceil((row * columns) / ABSMAX_BLOCK));
    const scales = nested ? nested.bytes.slice(first, end) : new Uint8Array(absmax.slice(first, end).buffer);
    put(s, 1, 0, scales);
    if (nested) put(s, 2, 0, nestedPlane(nested, first!, end! - first!));
  });
}

/** The largest |value| of each block. */
function blockMaxima(values: Float32Array, block: number, maxima: Float32Array): void {
  for (let start = 0, i = 0; start < values.length; start += block, i++) {
    let largest = 0;
    const end = Math.min(start + block, values.length);
    for (let j = start; j < end; j++) {
      const size = Math.abs(values[j]!);
      if (size > largest) largest = size;
    }
    maxima[i] = largest;
  }
}

/** Numbers below which absmax counts as this much, so that a block of zeros has a reciprocal. */
const leastAbsmax = Math.fround(1e-38);

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
  const { bounds, codes } = searchTable(codebooks[kind]);
  const places = coarsePlaces(bounds);
  // `scaled` is in -1…1; steps of the coarse search are finer than the bounds lie, so that at most one of these is left to compare with
  const nearest = (scaled: number) => {
    const place = places[(scaled * COARSE_STEPS + COARSE_STEPS) | 0]!;
    return codes[scaled > bounds[place]! ? place + 1 : place]!;
  };
  const plane = new CodePlane(4, rows, columns);
  for (let row = 0; row < rows; row++)
    for (let block = 0; block * BLOCK < columns; block++) {
      const first = row * columns + block * BLOCK;
      const scale = reciprocal(absmax[Math.floor(first / ABSMAX_BLOCK)]!);
      const place = plane.at(row, block);
      for (let i = 0; i < BLOCK; i += 4) {
        const at = first + i;
        plane.put(
          place,
          i >> 2,
          nearest(Math.fround(values[at]! * scale)) |
            (nearest(Math.fround(values[at + 1]! * scale)) << 8) |
            (nearest(Math.fround(values[at + 2]! * scale)) << 16) |
            (nearest(Math.fround(values[at + 3]! * scale)) << 24),
        );
      }
    }
  return new Uint8Array(plane.words.buffer);
}

/** The codes in the order of their numbers, and the middles between neighbours. */
function searchTable(table: Float32Array): { bounds: Float32Array; codes: Uint8Array } {
  const codes = Uint8Array.from(table.keys()).sort((a, b) => table[a]! - table[b]!);
  const bounds = new Float32Array(codes.length - 1);
  for (let i = 0; i < bounds.length; i++) bounds[i] = Math.fround(table[codes[i]!]! + table[codes[i + 1]!]!) / 2;
  return { bounds, codes };
}

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
  const bytes = Uint8Array.from(centred, (value, i) => {
    const scaled = Math.fround(value * reciprocal(scales[Math.floor(i / NESTED_BLOCK)]!));
    let place = 0;
    for (let step = 128; step > 0; step >>= 1) if (scaled > bounds[place + step - 1]!) place += step;
    return place;
  });
  return { map, offset, scales, bytes };
}

/** Rounded to halves first, as bitsandbytes' Int8Params does, then to the nearest of 255 steps of the row's absmax, ties to even. */
async function writeInt8(source: FloatRows, shards: readonly RowShard[], put: PutPlane): Promise<void> {
  const { columns } = source;
  const [values, absmax] = packedFormat('int8').planes;
  for (const [s, shard] of shards.entries())
    await eachStretch(source, shard, (row, count, floats) => {
      roundToHalves(floats);
      const scales = new Float32Array(count);
      blockMaxima(floats, columns, scales);
      put(s, 0, values!.bytes(row, columns), int8Codes(floats, columns, scales));
      put(s, 1, absmax!.bytes(row, columns), new Uint8Array(scales.buffer));
    });
}

function int8Codes(values: Float32Array, columns: number, absmax: Float32Array): Uint8Array {
  const plane = new CodePlane(8, absmax.length, columns);
  absmax.forEach((largest, row) => {
    const scale = largest > 0 ? Math.fround(127 * Math.fround(1 / largest)) : 0; // as torch divides a number by a tensor
    for (let column = 0; column < columns; column += 4) {
      const at = row * columns + column;
      let codes = 0;
      for (let j = 0; j < Math.min(4, columns - column); j++)
        codes |= ((Math.fround(Math.fround(values[at + j]! * scale) + TO_INTEGER) - TO_INTEGER) & 255) << (8 * j);
      plane.put(plane.at(row, Math.floor(column / BLOCK)), (column % BLOCK) >> 2, codes);
    }
  });
  return new Uint8Array(plane.words.buffer);
}

/** f32 sums with it are whole, rounded to the nearest, ties to even. */
const TO_INTEGER = 1.5 * 2 ** 23;

/** Rounds to the halves nearest to the numbers, ties to even; those beyond the largest half become infinite. */
function roundToHalves(values: Float32Array): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const magnitude = word & 0x7fffffff;
    // 2⁻¹⁴ to 65,504: halves with all their digits; 13 bits of the mantissa go
    if (magnitude >= 0x38800000 && magnitude <= 0x477fe000)
      words[i] = (word + 0xfff + ((word >>> 13) & 1)) & 0xffffe000;
    else if (magnitude !== 0) values[i] = halfToFloat(floatToHalf(values[i]!));
  }
}
