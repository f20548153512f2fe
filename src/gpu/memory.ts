export type MemoryCategory =
  'weights' | 'adapters' | 'gradients' | 'optimizer' | 'activations' | 'inputs' | 'staging' | 'parameters';

export class OutOfGpuMemory extends Error {
  override readonly name = 'OutOfGpuMemory';
}

/** Makes every buffer and keeps the sum by category, so that what was planned can be held against what is allocated. */
export class MemoryLedger {
  readonly #device: GPUDevice;
  readonly #bytes = new Map<MemoryCategory, number>();
  readonly #buffers = new Map<GPUBuffer, MemoryCategory>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** A buffer of at least `size` bytes (rounded up to 4). Throws OutOfGpuMemory above the largest buffer; out of memory shows only at `checked`. */
  create(category: MemoryCategory, label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const { maxBufferSize } = this.#device.limits;
    if (size > maxBufferSize)
      throw new OutOfGpuMemory(
        `${label} takes ${size} bytes, and a buffer of this GPU holds at most ${maxBufferSize}.`,
      );
    const buffer = this.#device.createBuffer({ label, size: Math.max(4, Math.ceil(size / 4) * 4), usage });
    this.#buffers.set(buffer, category);
    this.#bytes.set(category, (this.#bytes.get(category) ?? 0) + buffer.size);
    return buffer;
  }

  destroy(buffer: GPUBuffer): void {
    const category = this.#buffers.get(buffer);
    if (category === undefined) return;
    this.#buffers.delete(buffer);
    this.#bytes.set(category, (this.#bytes.get(category) ?? 0) - buffer.size);
    buffer.destroy();
  }

  bytesByCategory(): ReadonlyMap<MemoryCategory, number> {
    return this.#bytes;
  }

  /** Runs `allocate` and throws OutOfGpuMemory when the device could not hold what it made. */
  async checked<T>(what: string, allocate: () => T | Promise<T>): Promise<T> {
    this.#device.pushErrorScope('out-of-memory');
    const outcome = await new Promise<T>((resolve) => resolve(allocate())).then(
      (made) => ({ made }),
      (failure: unknown) => ({ failure }),
    );
    const shortage = await this.#device.popErrorScope();
    if (shortage) throw new OutOfGpuMemory(`The GPU has no room for ${what}.`);
    if ('failure' in outcome) throw outcome.failure;
    return outcome.made;
  }
}
