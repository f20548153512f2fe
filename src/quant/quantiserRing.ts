import type { Gpu } from '../gpu/device.ts';
import type { BufferRange, KernelSpec } from '../gpu/kernel.ts';
import { ABSMAX_BLOCK } from './codebook.ts';
import { stretchRows } from './stretches.ts';

/** Stretches on their way at a time: one is read from the file while others are quantised and their absmax comes back. */
const SLOTS = 4;
/** of the kernels under shaders/quantise/ */
const WORKGROUP = 64;
export const PARAMETER_WORDS = 24;

/** Shape of a matrix. */
export interface MatrixShape {
  readonly rows: number;
  readonly columns: number;
}

interface SlotBytes {
  readonly floats: number;
  readonly absmax: number;
}

/** Bytes that stretches of any of the matrices need, whichever type of floats they are stored in. */
function slotBytes(matrices: Iterable<MatrixShape>, bindingLimit: number): SlotBytes {
  let [floats, absmax] = [0, 0];
  for (const { rows, columns } of matrices) {
    const count = stretchRows(rows, columns, mostWeights(bindingLimit));
    floats = Math.max(floats, count * columns * 4);
    absmax = Math.max(absmax, 4 * Math.max(count, Math.ceil((count * columns) / ABSMAX_BLOCK)));
  }
  return { floats, absmax };
}

/** Weights of a stretch on a device with that binding limit. */
export function mostWeights(bindingLimit: number): number {
  return Math.floor(bindingLimit / 4);
}

/** What a ring for these matrices takes on the GPU while it is there. */
export function ringBytes(matrices: Iterable<MatrixShape>, bindingLimit: number): number {
  const { floats, absmax } = slotBytes(matrices, bindingLimit);
  return floats === 0 ? 0 : SLOTS * (PARAMETER_WORDS * 4 + floats + 2 * absmax);
}

/** One dispatch over a stretch. */
export interface RingKernel {
  readonly kernel: KernelSpec;
  readonly lanes: number;
}

/** The buffers that one stretch passes through. */
interface Slot {
  readonly params: GPUBuffer;
  readonly floats: GPUBuffer;
  readonly absmax: GPUBuffer;
  readonly back: GPUBuffer;
  /** resolves when the stretch that was last in it has passed */
  passed: Promise<unknown>;
}

/** A few sets of buffers that stretches of floats pass through in turn. */
export class QuantiserRing {
  readonly #gpu: Gpu;
  readonly #slots: Slot[];
  #next = 0;

  /** @param matrices those that will pass */
  constructor(gpu: Gpu, matrices: Iterable<MatrixShape>) {
    this.#gpu = gpu;
    const { floats, absmax } = slotBytes(matrices, gpu.description.bindingLimit);
    const { STORAGE, UNIFORM, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
    const create = (label: string, bytes: number, usage: GPUBufferUsageFlags) =>
      gpu.memory.create('staging', `quantised stretch: ${label}`, bytes, usage);
    this.#slots = Array.from({ length: SLOTS }, () => ({
      params: create('params', PARAMETER_WORDS * 4, UNIFORM | COPY_DST),
      floats: create('floats', floats, STORAGE | COPY_DST),
      absmax: create('absmax', absmax, STORAGE | COPY_DST | COPY_SRC),
      back: create('absmax to read', absmax, COPY_DST | MAP_READ),
      passed: Promise.resolve(),
    }));
  }

  /**
   * Sends a stretch through the kernels as soon as there is room. Resolves when it is on its way, with what it will come to: absmax, of
   * each block or row.
   * @param bytes reads the stretch; called when there is room for it
   */
  async send(
    kernels: readonly RingKernel[],
    params: Uint32Array<ArrayBuffer>,
    bytes: () => Promise<Uint8Array>,
    codes: BufferRange,
    absmaxCount: number,
  ): Promise<{ readonly absmax: Promise<Float32Array> }> {
    const { device, wait } = this.#gpu;
    const slot = this.#slots[this.#next++ % SLOTS]!;
    await wait(slot.passed);
    const pipelines = await this.#gpu.pipelines.getAll(kernels.map(({ kernel }) => kernel));
    const floats = await bytes();
    device.queue.writeBuffer(slot.params, 0, params);
    device.queue.writeBuffer(slot.floats, 0, floats as Uint8Array<ArrayBuffer>);
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(slot.absmax, 0, absmaxCount * 4);
    const pass = encoder.beginComputePass();
    const resources: GPUBindingResource[] = [
      { buffer: slot.params },
      { buffer: slot.floats },
      codes,
      { buffer: slot.absmax },
    ];
    for (const [i, { pipeline, layout, bindings }] of pipelines.entries()) {
      const entries = [...bindings.keys()].map((binding) => ({ binding, resource: resources[binding]! }));
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
      pass.dispatchWorkgroups(Math.ceil(kernels[i]!.lanes / WORKGROUP));
    }
    pass.end();
    encoder.copyBufferToBuffer(slot.absmax, 0, slot.back, 0, absmaxCount * 4);
    device.queue.submit([encoder.finish()]);
    const absmax = readMapped(slot.back, absmaxCount * 4);
    absmax.catch(() => undefined); // shows where the slot is used again, and to whom the absmax belongs
    slot.passed = absmax;
    return { absmax };
  }

  destroy(): void {
    for (const { params, floats, absmax, back } of this.#slots)
      for (const buffer of [params, floats, absmax, back]) this.#gpu.memory.destroy(buffer);
  }
}

async function readMapped(buffer: GPUBuffer, bytes: number): Promise<Float32Array> {
  await buffer.mapAsync(GPUMapMode.READ, 0, bytes);
  const values = new Float32Array(buffer.getMappedRange(0, bytes).slice(0));
  buffer.unmap();
  return values;
}
