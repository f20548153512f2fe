import type { Gpu } from '../gpu/device.ts';
import type { BufferRange } from '../gpu/kernel.ts';
import { readBack } from '../gpu/transfer.ts';
import { sizeOf } from '../graph/tensor.ts';
import type { ParameterRanges, SpaceName } from '../models/runtime.ts';
import type { ParameterSpec } from './method.ts';

/** Parameters start on a multiple of this many elements, so that each can be bound by itself (256 bytes). */
const alignment = 64;

export interface Slot {
  readonly spec: ParameterSpec;
  /** elements from the start of the space */
  readonly offset: number;
  readonly size: number;
}

/** A stretch of the space that one dispatch can bind. Elements. */
export interface Piece {
  readonly offset: number;
  readonly size: number;
}

export interface SpaceLayout {
  readonly slots: readonly Slot[];
  readonly pieces: readonly Piece[];
  /** elements, with the gaps between parameters (their gradients stay zero) */
  readonly size: number;
  /** elements of the parameters themselves */
  readonly parameterCount: number;
}

/** Lays the parameters out in one flat index space, cut into pieces within the binding limit (bytes). */
export function layOut(specs: readonly ParameterSpec[], bindingLimit: number): SpaceLayout {
  const slots: Slot[] = [];
  let end = 0;
  for (const spec of specs) {
    const size = sizeOf(spec.shape);
    slots.push({ spec, offset: end, size });
    end = Math.ceil((end + size) / alignment) * alignment;
  }
  const size = Math.max(alignment, end);
  const pieceSize = Math.floor(bindingLimit / 4 / alignment) * alignment;
  const pieces: Piece[] = [];
  for (let offset = 0; offset < size; offset += pieceSize)
    pieces.push({ offset, size: Math.min(pieceSize, size - offset) });
  return { slots, pieces, size, parameterCount: slots.reduce((sum, slot) => sum + slot.size, 0) };
}

/** The parameters by name, cut out of a whole space. */
export function splitByParameter({ slots }: SpaceLayout, values: Float32Array): Map<string, Float32Array> {
  return new Map(slots.map(({ spec, offset, size }) => [spec.name, values.slice(offset, offset + size)]));
}

const categories = {
  parameters: 'adapters',
  gradients: 'gradients',
  firstMoments: 'optimizer',
  secondMoments: 'optimizer',
} as const;

/** The flat space on the GPU: values and, for training, gradients and AdamW's moments under the same indices. */
export class ParameterSpace implements ParameterRanges {
  readonly layout: SpaceLayout;
  readonly #gpu: Gpu;
  readonly #buffers = new Map<SpaceName, GPUBuffer>();
  readonly #slots: ReadonlyMap<string, Slot>;

  /** @param names which spaces to make: 'parameters' alone serves an adapter that is only used */
  constructor(gpu: Gpu, specs: readonly ParameterSpec[], names: readonly SpaceName[]) {
    this.#gpu = gpu;
    this.layout = layOut(specs, gpu.description.bindingLimit);
    this.#slots = new Map(this.layout.slots.map((slot) => [slot.spec.name, slot]));
    const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
    for (const name of names)
      this.#buffers.set(
        name,
        gpu.memory.create(categories[name], name, this.layout.size * 4, STORAGE | COPY_DST | COPY_SRC),
      );
  }

  /** A parameter's own range in one of the spaces. */
  range(space: SpaceName, parameter: string): BufferRange {
    const slot = this.#slot(parameter);
    return { buffer: this.#buffer(space), offset: slot.offset * 4, size: slot.size * 4 };
  }

  piece(space: SpaceName, index: number): BufferRange {
    const piece = this.layout.pieces[index];
    if (!piece) throw new Error(`the parameter space has no piece ${index}`);
    return { buffer: this.#buffer(space), offset: piece.offset * 4, size: piece.size * 4 };
  }

  /** Overwrites one parameter. */
  write(space: SpaceName, parameter: string, values: Float32Array<ArrayBuffer>): void {
    const slot = this.#slot(parameter);
    if (values.length !== slot.size) throw new Error(`${parameter} has ${slot.size} numbers, not ${values.length}`);
    this.#gpu.device.queue.writeBuffer(this.#buffer(space), slot.offset * 4, values);
  }

  /** The whole of one space, for a checkpoint. */
  async read(space: SpaceName): Promise<Float32Array<ArrayBuffer>> {
    const buffer = this.#buffer(space);
    return new Float32Array(
      await readBack(this.#gpu.device, { buffer, offset: 0, size: this.layout.size * 4 }, this.#gpu.wait),
    );
  }

  writeAll(space: SpaceName, values: Float32Array<ArrayBuffer>): void {
    if (values.length !== this.layout.size)
      throw new Error(`the checkpoint holds ${values.length} numbers, not ${this.layout.size}`);
    this.#gpu.device.queue.writeBuffer(this.#buffer(space), 0, values);
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) this.#gpu.memory.destroy(buffer);
    this.#buffers.clear();
  }

  #slot(parameter: string): Slot {
    const slot = this.#slots.get(parameter);
    if (!slot) throw new Error(`there is no parameter ${parameter}`);
    return slot;
  }

  #buffer(space: SpaceName): GPUBuffer {
    const buffer = this.#buffers.get(space);
    if (!buffer) throw new Error(`the space ${space} was not made`);
    return buffer;
  }
}
