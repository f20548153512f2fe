/**
 * Floats into blocks while they are loaded, on the GPU: the codes of quantise.ts, bit for bit. The file's bytes go up a stretch of rows
 * at a time, codes are written where they stay, and absmax (1/64 of the numbers) comes back to be nested on the CPU.
 */
import type { Gpu } from '../gpu/device.ts';
import type { BufferRange } from '../gpu/kernel.ts';
import { ABSMAX_BLOCK } from './codebook.ts';
import { BLOCK } from './codes.ts';
import { padToWords } from './fileBytes.ts';
import type { BlockFormatName } from './format.ts';
import type { PutPlane } from './packed.ts';
import type { Quantisation } from './quantise.ts';
import { leastAbsmax, putScales, searchTables } from './quantiseCodebook.ts';
import { mostWeights, PARAMETER_WORDS, QuantiserRing, type MatrixShape, type RingKernel } from './quantiserRing.ts';
import type { RowShard } from './shards.ts';
import { requireFinite, stretchesOf, type Stretch } from './stretches.ts';

/** A matrix of floats as it lies in a file: F32, F16 or BF16. */
export interface StoredRows extends MatrixShape {
  readonly name: string;
  readonly format: BlockFormatName;
  /** the file's bytes of whole rows */
  read(rowStart: number, rowCount: number): Promise<Uint8Array>;
}

/** Where a quantised matrix goes: plane 0 of each shard is written by kernels, the others are put. */
export interface QuantisedPlaces {
  readonly shards: readonly RowShard[];
  readonly codes: readonly BufferRange[];
  readonly put: PutPlane;
}

/** Quantises matrices one after the other. Takes GPU memory for staging from the first of them until it is destroyed. */
export class GpuQuantiser {
  readonly #gpu: Gpu;
  readonly #matrices: readonly MatrixShape[];
  #ring: QuantiserRing | undefined;

  /** @param matrices those that will be quantised, which tell how much staging there has to be */
  constructor(gpu: Gpu, matrices: readonly MatrixShape[]) {
    this.#gpu = gpu;
    this.#matrices = matrices;
  }

  /**
   * Resolves when the last stretch is on its way; `done` when the planes are whole. `done` rejects with a UserError where a number is
   * not finite. The buffers of the codes hold zeros before.
   */
  async quantise(
    source: StoredRows,
    wanted: Quantisation,
    places: QuantisedPlaces,
  ): Promise<{ readonly done: Promise<void> }> {
    const { columns } = source;
    const { shards, codes } = places;
    const arriving: Arriving[] = [];
    this.#ring ??= new QuantiserRing(this.#gpu, this.#matrices);
    for (const stretch of stretchesOf(shards, columns, mostWeights(this.#gpu.description.bindingLimit))) {
      const start = shards[stretch.shard]!.rowStart + stretch.row;
      const first = spansBefore(start, columns, wanted.kind);
      const count = spansBefore(start + stretch.rowCount, columns, wanted.kind) - first;
      const { absmax } = await this.#ring.send(
        kernels(source, wanted.kind, stretch.rowCount, count),
        parameters(columns, stretch, wanted.kind),
        async () => padToWords(await source.read(start, stretch.rowCount)),
        codes[stretch.shard]!,
        count,
      );
      arriving.push({ first, absmax });
    }
    const done = putArrived(source, wanted, places, arriving);
    done.catch(() => undefined); // shows where it is awaited, which may be later
    return { done };
  }

  /** Frees the staging; what is on its way is lost. */
  destroy(): void {
    this.#ring?.destroy();
  }
}

/** absmax of a stretch, the first of them that many after the matrix's first. */
interface Arriving {
  readonly first: number;
  readonly absmax: Promise<Float32Array>;
}

/** How many numbers of absmax the rows before this one have. */
function spansBefore(row: number, columns: number, kind: Quantisation['kind']): number {
  return kind === 'int8' ? row : Math.ceil((row * columns) / ABSMAX_BLOCK);
}

async function putArrived(
  { name, rows, columns }: StoredRows,
  { kind, doubleQuant }: Quantisation,
  { shards, put }: QuantisedPlaces,
  arriving: readonly Arriving[],
): Promise<void> {
  const all = new Float32Array(spansBefore(rows, columns, kind));
  for (const { first, absmax } of arriving) {
    const values = await absmax;
    requireFinite(values, name, kind === 'int8');
    all.set(values, first);
  }
  if (kind !== 'int8') putScales(all, doubleQuant, columns, shards, put);
  else
    shards.forEach(({ rowStart, rowCount }, s) =>
      put(s, 1, 0, new Uint8Array(all.slice(rowStart, rowStart + rowCount).buffer)),
    );
}

/** Numbers of a span that a lane of shaders/quantise/maxima.wgsl takes at most. */
const LANE = 256;

/** absmax first, then the codes, a lane for each 32 columns of a row. */
function kernels(
  { format, columns }: StoredRows,
  kind: Quantisation['kind'],
  rows: number,
  spans: number,
): RingKernel[] {
  const isInt8 = kind === 'int8';
  const floats = { F32: format === 'f32', F16: format === 'f16', BF16: format === 'bf16' };
  const lanes = rows * Math.ceil(columns / BLOCK);
  return [
    {
      kernel: { module: 'quantise/maxima', conditions: { ...floats, INT8: isInt8 } },
      lanes: spans * (isInt8 ? Math.ceil(columns / LANE) : 1),
    },
    isInt8
      ? { kernel: { module: 'quantise/int8', conditions: floats }, lanes }
      : { kernel: { module: 'quantise/codebook', conditions: { ...floats, UNALIGNED: columns % BLOCK !== 0 } }, lanes },
  ];
}

/** The Params of shaders/quantise/rows.wgsl. */
function parameters(columns: number, { row, rowCount }: Stretch, kind: Quantisation['kind']): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(PARAMETER_WORDS);
  words.set([rowCount, columns, row, kind === 'int8' ? columns : ABSMAX_BLOCK]);
  if (kind === 'int8') return words;
  const floats = new Float32Array(words.buffer);
  const { codes, bounds } = searchTables[kind];
  codes.forEach((code, rank) => (words[4 + (rank >> 3)]! |= code << (4 * (rank & 7))));
  floats[6] = leastAbsmax;
  floats.set(bounds, 8);
  return words;
}
