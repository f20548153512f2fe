import type { Gpu } from '../gpu/device.ts';
import type { BufferRange } from '../gpu/kernel.ts';
import { readBack } from '../gpu/transfer.ts';
import { sizeOf } from '../graph/tensor.ts';
import type { ParameterRanges, SpaceName } from '../models/runtime.ts';
import type { ParameterSpec } from './method.ts';
import { isTrained } from './parameters.ts';

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

/** What changes while an adapter is trained: the whole space of its trained parameters and its states. */
export interface Snapshot {
  readonly parameters: Float32Array;
  readonly states: Float32Array;
}

/** Every parameter by name: as the snapshot has it, and where that holds it not, because it is frozen, as it began. */
export function valuesOfSnapshot(
  specs: readonly ParameterSpec[],
  { parameters, states }: Snapshot,
  initial: ReadonlyMap<string, Float32Array>,
): Map<string, Float32Array> {
  const { trained, fixed } = layOutAdapter(specs, Infinity);
  const changing = { ...fixed, slots: fixed.slots.filter(({ spec }) => spec.role === 'state') };
  return new Map([...initial, ...splitByParameter(trained, parameters), ...splitByParameter(changing, states)]);
}

/** Elements that the states take at the front of the space of what is not trained. */
function statesSize({ slots }: SpaceLayout): number {
  const last = slots.findLast(({ spec }) => spec.role === 'state');
  return last ? last.offset + last.size : 0;
}

function slotsByName({ slots }: SpaceLayout): ReadonlyMap<string, Slot> {
  return new Map(slots.map((slot) => [slot.spec.name, slot]));
}

const categories = {
  parameters: 'adapters',
  gradients: 'gradients',
  firstMoments: 'optimizer',
  secondMoments: 'optimizer',
} as const;

/** The trained parameters, and beside them those that no gradient reaches: states first, then frozen ones. */
export function layOutAdapter(
  specs: readonly ParameterSpec[],
  bindingLimit: number,
): { readonly trained: SpaceLayout; readonly fixed: SpaceLayout } {
  const states = specs.filter(({ role }) => role === 'state');
  const frozen = specs.filter(({ role }) => role === 'frozen');
  return {
    trained: layOut(specs.filter(isTrained), bindingLimit),
    fixed: layOut([...states, ...frozen], bindingLimit),
  };
}

/**
 * The flat space on the GPU: values and, for training, gradients and AdamW's moments under the same indices. Parameters that are not
 * trained lie in a buffer of their own.
 */
export class ParameterSpace implements ParameterRanges {
  /** of the trained parameters */
  readonly layout: SpaceLayout;
  readonly #fixed: SpaceLayout;
  readonly #gpu: Gpu;
  readonly #buffers = new Map<SpaceName, GPUBuffer>();
  readonly #fixedBuffer: GPUBuffer | undefined;
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #fixedSlots: ReadonlyMap<string, Slot>;

  /** @param names which spaces to make: 'parameters' alone serves an adapter that is only used */
  constructor(gpu: Gpu, specs: readonly ParameterSpec[], names: readonly SpaceName[]) {
    this.#gpu = gpu;
    const { trained, fixed } = layOutAdapter(specs, gpu.description.bindingLimit);
    this.layout = trained;
    this.#fixed = fixed;
    this.#slots = slotsByName(trained);
    this.#fixedSlots = slotsByName(fixed);
    const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
    const create = (category: 'adapters' | 'gradients' | 'optimizer', name: string, size: number) =>
      gpu.memory.create(category, name, size * 4, STORAGE | COPY_DST | COPY_SRC);
    for (const name of names) this.#buffers.set(name, create(categories[name], name, trained.size));
    this.#fixedBuffer = fixed.slots.length > 0 ? create('adapters', 'fixed parameters', fixed.size) : undefined;
  }

  /** A parameter's own range in one of the spaces. */
  range(space: SpaceName, parameter: string): BufferRange {
    const { buffer, slot } = this.#place(space, parameter);
    return { buffer, offset: slot.offset * 4, size: slot.size * 4 };
  }

  piece(space: SpaceName, index: number): BufferRange {
    const piece = this.layout.pieces[index];
    if (!piece) throw new Error(`the parameter space has no piece ${index}`);
    return { buffer: this.#buffer(space), offset: piece.offset * 4, size: piece.size * 4 };
  }

  /** Overwrites one parameter. */
  write(space: SpaceName, parameter: string, values: Float32Array<ArrayBuffer>): void {
    const { buffer, slot } = this.#place(space, parameter);
    if (values.length !== slot.size) throw new Error(`${parameter} has ${slot.size} numbers, not ${values.length}`);
    this.#gpu.device.queue.writeBuffer(buffer, slot.offset * 4, values);
  }

  /** One parameter's numbers. */
  async readParameter(name: string): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await readBack(this.#gpu.device, this.range('parameters', name), this.#gpu.wait));
  }

  /** The whole of one space, for a checkpoint. */
  async read(space: SpaceName): Promise<Float32Array<ArrayBuffer>> {
    const buffer = this.#buffer(space);
    return new Float32Array(
      await readBack(this.#gpu.device, { buffer, offset: 0, size: this.layout.size * 4 }, this.#gpu.wait),
    );
  }

  /** The parameters of role 'state', one behind another, for a checkpoint; empty where there are none. */
  async readStates(): Promise<Float32Array<ArrayBuffer>> {
    const size = this.#statesSize();
    if (size === 0 || !this.#fixedBuffer) return new Float32Array(0);
    return new Float32Array(
      await readBack(this.#gpu.device, { buffer: this.#fixedBuffer, offset: 0, size: size * 4 }, this.#gpu.wait),
    );
  }

  writeStates(values: Float32Array<ArrayBuffer>): void {
    if (values.length !== this.#statesSize())
      throw new Error(`the checkpoint holds ${values.length} numbers of the method's state, not ${this.#statesSize()}`);
    if (this.#fixedBuffer) this.#gpu.device.queue.writeBuffer(this.#fixedBuffer, 0, values);
  }

  writeAll(space: SpaceName, values: Float32Array<ArrayBuffer>): void {
    if (values.length !== this.layout.size)
      throw new Error(`the checkpoint holds ${values.length} numbers, not ${this.layout.size}`);
    this.#gpu.device.queue.writeBuffer(this.#buffer(space), 0, values);
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) this.#gpu.memory.destroy(buffer);
    this.#buffers.clear();
    if (this.#fixedBuffer) this.#gpu.memory.destroy(this.#fixedBuffer);
  }

  #place(space: SpaceName, parameter: string): { buffer: GPUBuffer; slot: Slot } {
    const slot = this.#slots.get(parameter);
    if (slot) return { buffer: this.#buffer(space), slot };
    const fixed = this.#fixedSlots.get(parameter);
    if (!fixed || !this.#fixedBuffer || space !== 'parameters')
      throw new Error(`there are no ${space} of ${parameter}`);
    return { buffer: this.#fixedBuffer, slot: fixed };
  }

  #statesSize(): number {
    return statesSize(this.#fixed);
  }

  #buffer(space: SpaceName): GPUBuffer {
    const buffer = this.#buffers.get(space);
    if (!buffer) throw new Error(`the space ${space} was not made`);
    return buffer;
  }
}
