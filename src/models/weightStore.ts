import type { Gpu } from '../gpu/device.ts';
import type { BufferRange } from '../gpu/kernel.ts';
import { sizeOf, type Tensor } from '../graph/tensor.ts';
import type { PutPlane } from '../quant/packed.ts';
import { quantisationTo } from '../quant/quantise.ts';
import { GpuQuantiser } from '../quant/quantiseOnGpu.ts';
import type { MatrixShape } from '../quant/quantiserRing.ts';
import { formatOf, weightFormats } from '../quant/registry.ts';
import { planeBytes, shardRows } from '../quant/shards.ts';
import type { Shard } from '../graph/op.ts';
import type { FormatName } from '../quant/format.ts';
import {
  neededShapes,
  readDecoded,
  readRows,
  type BlockTensor,
  type Checkpoint,
  type CheckpointTensor,
  type QuantisedTensor,
} from './checkpoint.ts';

/** Bytes read from the file and handed to the GPU at a time, where nothing is quantised on the way. */
const sliceBytes = 8 * 2 ** 20;
/** After that many bytes the upload waits for the GPU, so that slices can be collected. */
const bytesInFlight = 24 * 2 ** 20;

export interface LoadProgress {
  (bytes: number, totalBytes: number): void;
}

export interface LoadOptions {
  /** tensors that are not needed: see unreadTensors */
  readonly without?: ReadonlySet<string>;
  readonly onProgress?: LoadProgress;
  readonly signal?: AbortSignal;
}

/** A weight that is quantised on the way: its planes, by shard, are whole later. */
interface Arriving {
  readonly name: string;
  readonly planes: BufferRange[][];
  readonly whole: Promise<void>;
}

/** The frozen weights of one model on the GPU, in their stored formats: read-only, shared by all programs and all adapters. */
export class WeightStore {
  readonly #gpu: Gpu;
  readonly #ranges = new Map<string, BufferRange[][]>();
  readonly #buffers: GPUBuffer[] = [];

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /**
   * Streams every tensor that the model uses and that is not there yet from the file to the GPU, slice by slice. Stops at `signal`. Where
   * it stops or fails the store is as it was before.
   */
  async load(checkpoint: Checkpoint, positions: number, options: LoadOptions = {}): Promise<void> {
    const { without, onProgress, signal } = options;
    const used = neededShapes(checkpoint.description);
    const isWanted = (name: string) => used.has(name) && !without?.has(name) && !this.#ranges.has(name);
    const tensors = [...checkpoint.tensors].filter(([name]) => isWanted(name));
    const total = tensors.reduce((sum, [, tensor]) => sum + tensor.entry.byteLength, 0);
    const quantiser = new GpuQuantiser(
      this.#gpu,
      tensors.flatMap(([, { original }]) => (original ? [matrixOf(original)] : [])),
    );
    const arriving: Arriving[] = [];
    let done = 0;
    let sinceWait = 0;
    const stream = async () => {
      try {
        for (const [name, constant] of checkpoint.description.constants(positions))
          if (!this.#ranges.has(`constant:${name}`)) this.#putFloats(`constant:${name}`, constant.data);
        for (const [name, tensor] of tensors) {
          signal?.throwIfAborted();
          const { byteLength } = tensor.entry;
          if (tensor.original) arriving.push(await this.#quantise(name, tensor, tensor.original, quantiser));
          else await this.#copy(checkpoint, name, tensor);
          onProgress?.((done += byteLength), total);
          sinceWait += tensor.original ? 0 : byteLength; // what is quantised waits for its own staging
          if (sinceWait > bytesInFlight) {
            await this.#gpu.wait(this.#gpu.device.queue.onSubmittedWorkDone());
            sinceWait = 0;
          }
        }
        await this.#gpu.wait(this.#arrive(arriving));
      } finally {
        quantiser.destroy();
      }
    };
    const before = { names: new Set(this.#ranges.keys()), buffers: this.#buffers.length };
    try {
      await this.#gpu.memory.checked(`the model's weights (${Math.ceil(total / 1e6)} MB)`, stream);
    } catch (error) {
      await this.#gpu.wait(Promise.allSettled(arriving.map(({ whole }) => whole))); // or they would write to what is freed
      this.#keepOnly(before);
      throw error;
    }
  }

  range(name: string, shard: number, plane: number): BufferRange {
    const range = this.#ranges.get(name)?.[shard]?.[plane];
    if (!range) throw new Error(`weight ${name} (shard ${shard}, plane ${plane}) is not loaded`);
    return range;
  }

  destroy(): void {
    for (const buffer of this.#buffers) this.#gpu.memory.destroy(buffer);
    this.#ranges.clear();
  }

  /** Frees what was made since. @param buffers how many of them there were */
  #keepOnly({ names, buffers }: { readonly names: ReadonlySet<string>; readonly buffers: number }): void {
    for (const buffer of this.#buffers.splice(buffers)) this.#gpu.memory.destroy(buffer);
    for (const name of [...this.#ranges.keys()]) if (!names.has(name)) this.#ranges.delete(name);
  }

  async #arrive(arriving: readonly Arriving[]): Promise<void> {
    for (const { name, planes, whole } of arriving) {
      await whole;
      this.#ranges.set(name, planes);
    }
  }

  /** A tensor as it is stored. */
  async #copy(checkpoint: Checkpoint, name: string, tensor: CheckpointTensor): Promise<void> {
    if (isVector(tensor)) return this.#putFloats(name, await readDecoded(checkpoint, name));
    const { columns, shards, planes } = this.#allocate(name, tensor);
    if (tensor.packed) await tensor.packed.write(shards, this.#putInto(planes));
    else for (const [s, shard] of shards.entries()) await this.#fill(tensor, shard, columns, planes[s] ?? []);
    this.#ranges.set(name, planes);
  }

  /** Resolves when the floats are on their way to the GPU. */
  async #quantise(
    name: string,
    tensor: QuantisedTensor,
    original: BlockTensor,
    quantiser: GpuQuantiser,
  ): Promise<Arriving> {
    const { rows, columns, shards, planes } = this.#allocate(name, tensor);
    const { done: whole } = await quantiser.quantise(
      { name, format: original.format, rows, columns, read: rowReader(original) },
      quantisationTo(tensor.format),
      { shards, codes: planes.flatMap(([codes]) => codes ?? []), put: this.#putInto(planes) },
    );
    return { name, planes, whole };
  }

  /** Buffers for every plane of every shard. */
  #allocate(name: string, tensor: CheckpointTensor) {
    const format = formatOf(tensor.format);
    const { rows, columns } = matrixOf(tensor);
    const shards = shardRows(rows, columns, format, this.#gpu.description.bindingLimit);
    const planes = shards.map(({ rowCount }, s) =>
      planeBytes(format, rowCount, columns).map((bytes, p) =>
        this.#create(`${name}.${s}.${format.planes[p]?.name}`, bytes),
      ),
    );
    return { rows, columns, shards, planes };
  }

  #putInto(planes: readonly (readonly BufferRange[])[]): PutPlane {
    return (shard, plane, offset, bytes) => {
      const target = planes[shard]?.[plane];
      if (target) this.#write(target, offset, bytes);
    };
  }

  async #fill(tensor: BlockTensor, shard: Shard, columns: number, planes: readonly BufferRange[]): Promise<void> {
    const format = weightFormats[tensor.format];
    const rowBytes = (columns / format.blockSize) * format.fileBytesPerBlock;
    const step = isInOrder(tensor) ? Math.max(64, Math.floor(sliceBytes / rowBytes / 64) * 64) : shard.rowCount;
    for (let row = 0; row < shard.rowCount; row += step) {
      const count = Math.min(step, shard.rowCount - row);
      const bytes = await readRows(tensor, shard.rowStart + row, count);
      format.repack(bytes, count, columns).forEach((plane, p) => {
        const target = planes[p];
        if (target) this.#write(target, format.planes[p]?.bytes(row, columns) ?? 0, plane);
      });
    }
  }

  #putFloats(name: string, data: Float32Array): void {
    const range = this.#create(name, data.byteLength);
    this.#write(range, 0, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.#ranges.set(name, [[range]]);
  }

  #create(label: string, bytes: number): BufferRange {
    const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
    const buffer = this.#gpu.memory.create('weights', label, bytes, STORAGE | COPY_DST | COPY_SRC);
    this.#buffers.push(buffer);
    return { buffer, offset: 0, size: buffer.size };
  }

  #write(range: BufferRange, offset: number, bytes: Uint8Array): void {
    const padded = bytes.byteLength % 4 === 0 ? bytes : new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4);
    if (padded !== bytes) padded.set(bytes);
    this.#gpu.device.queue.writeBuffer(range.buffer, offset, padded as Uint8Array<ArrayBuffer>);
  }
}

function matrixOf({ shape }: Pick<CheckpointTensor, 'shape'>): MatrixShape {
  const [rows = 1, ...rest] = shape;
  return { rows, columns: sizeOf(rest) };
}

/** Reads rows in order. A tensor that the file holds in another order is read once and held whole while its rows are taken from it. */
function rowReader(tensor: BlockTensor): (rowStart: number, rowCount: number) => Promise<Uint8Array> {
  if (isInOrder(tensor)) return (rowStart, rowCount) => readRows(tensor, rowStart, rowCount);
  const { rows } = matrixOf(tensor);
  let whole: Promise<Uint8Array> | undefined;
  return async (rowStart, rowCount) => {
    whole ??= readRows(tensor, 0, rows);
    const bytes = await whole;
    const rowBytes = bytes.byteLength / rows;
    return bytes.subarray(rowStart * rowBytes, (rowStart + rowCount) * rowBytes);
  };
}

function isInOrder({ rowOrder, isTransposed }: BlockTensor): boolean {
  return !rowOrder && !isTransposed;
}

function isVector(tensor: CheckpointTensor): boolean {
  return tensor.shape.length === 1;
}

/** Bytes that the weights take on the GPU, without loading them. */
export function weightBytes(
  checkpoint: Pick<Checkpoint, 'catalog' | 'description'>,
  positions: number,
  without: ReadonlySet<string> = new Set(),
): number {
  let total = 0;
  for (const constant of checkpoint.description.constants(positions).values()) total += constant.data.byteLength;
  for (const name of neededShapes(checkpoint.description).keys()) {
    if (without.has(name)) continue;
    const { shape, format } = checkpoint.catalog.get(name) ?? { shape: [], format: 'f32' as const };
    const [rows = 1, ...rest] = shape;
    if (shape.length === 1) total += rows * 4;
    else {
      for (const bytes of planeBytes(formatOf(format), rows, sizeOf(rest))) total += bytes;
    }
  }
  return total;
}

/** The row shards of a weight or a trained matrix on a device with that binding limit; one shard for any other tensor. */
export function shardsOf(tensor: Tensor, bindingLimit: number): readonly Shard[] {
  const [rows = 1, ...rest] = tensor.shape;
  const format = storedFormat(tensor);
  if (!format || rest.length === 0 || tensor.shape.length > 2) return [{ rowStart: 0, rowCount: rows }];
  return shardRows(rows, sizeOf(rest), formatOf(format), bindingLimit);
}

function storedFormat(tensor: Tensor): FormatName | undefined {
  if (tensor.origin.kind === 'weight') return tensor.origin.format;
  return tensor.origin.kind === 'parameter' ? 'f32' : undefined;
}
