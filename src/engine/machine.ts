import { openGpu, GpuUnavailable, type Gpu } from '../gpu/device.ts';
import type { ShaderSources } from '../gpu/shaderSources.ts';
import type { GpuReport } from './api.ts';
import { DeviceLost } from './errors.ts';

/** This machine's GPU, opened when it is first needed and again after it was lost. */
export class Machine {
  readonly #sources: ShaderSources;
  #opening: Promise<Gpu> | undefined;
  #lost: Promise<never> | undefined;
  readonly #fits = new Map<number, boolean>();

  constructor(sources: ShaderSources) {
    this.#sources = sources;
  }

  gpu(): Promise<Gpu> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Rejects with DeviceLost when the open GPU goes away. */
  get lost(): Promise<never> {
    return this.#lost ?? new Promise(() => undefined);
  }

  /** Forgets the GPU: the next call opens it anew. */
  close(): void {
    void this.#opening?.then(
      (gpu) => gpu.device.destroy(),
      () => undefined,
    );
    this.#opening = undefined;
    this.#lost = undefined;
  }

  async describe(): Promise<GpuReport> {
    try {
      const { description } = await this.gpu();
      return { available: true, reasons: [], ...description };
    } catch (error) {
      const nothing = {
        name: '',
        isSoftware: false,
        hasF16: false,
        hasSubgroups: false,
        maxBufferSize: 0,
        bindingLimit: 0,
      };
      return { available: false, reasons: whyNoGpu(error), ...nothing };
    }
  }

  /**
   * Whether the GPU can hold that many bytes, those included that it holds for us already: found by making and freeing buffers of what
   * is missing. WebGPU does not tell otherwise.
   */
  async holds(bytes: number): Promise<boolean> {
    const { device, description, memory } = await this.gpu();
    const held = [...memory.bytesByCategory().values()].reduce((sum, part) => sum + part, 0);
    const rounded = Math.max(0, Math.ceil((bytes - held) / 2 ** 26) * 2 ** 26);
    const known = this.#fits.get(rounded);
    if (known !== undefined) return known;
    const buffers: GPUBuffer[] = [];
    device.pushErrorScope('out-of-memory');
    for (let left = rounded; left > 0; left -= description.maxBufferSize)
      buffers.push(
        device.createBuffer({ size: Math.min(left, description.maxBufferSize), usage: GPUBufferUsage.STORAGE }),
      );
    const fits = (await device.popErrorScope()) === null;
    for (const buffer of buffers) buffer.destroy();
    this.#fits.set(rounded, fits);
    return fits;
  }

  async #open(): Promise<Gpu> {
    const entry = (globalThis.navigator as { gpu?: GPU } | undefined)?.gpu;
    if (!entry) throw new GpuUnavailable('This browser has no WebGPU.');
    const gpu = await openGpu(entry, this.#sources);
    this.#lost = gpu.device.lost.then((info) => {
      if (info.reason === 'destroyed') return new Promise<never>(() => undefined);
      this.#opening = undefined;
      throw DeviceLost.of(info);
    });
    this.#lost.catch(() => undefined);
    return gpu;
  }
}

function whyNoGpu(error: unknown): string[] {
  if (!globalThis.isSecureContext)
    return [
      'WebGPU works only on a secure page, and this one came over plain http.',
      'Open the page over https, or from localhost.',
    ];
  if (!('gpu' in globalThis.navigator))
    return [
      'This browser does not offer WebGPU.',
      'Use Chrome or Edge 113 or newer, Safari 26, or Firefox 141 on Windows; on Linux, Chrome needs the flag chrome://flags/#enable-unsafe-webgpu.',
    ];
  const message = error instanceof Error ? error.message : String(error);
  return [
    message,
    'Update the graphics driver, switch hardware acceleration on in the browser’s settings, and see chrome://gpu for what it blocks.',
  ];
}
