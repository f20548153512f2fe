import { PipelineCache } from './pipelines.ts';
import type { ShaderSources } from './shaderSources.ts';
import { MemoryLedger } from './memory.ts';

/** What the machine offers, in words a person can read and numbers the plan needs. Sizes in bytes. */
export interface GpuDescription {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly isSoftware: boolean;
  readonly hasF16: boolean;
  readonly hasSubgroups: boolean;
  readonly hasTimestamps: boolean;
  readonly maxBufferSize: number;
  /** the largest range that may be bound: tensors above it are split by rows */
  readonly bindingLimit: number;
}

export interface Gpu {
  readonly device: GPUDevice;
  readonly description: GpuDescription;
  readonly pipelines: PipelineCache;
  readonly memory: MemoryLedger;
  /** waits for the GPU; where waiting itself would take the processor that a software GPU needs, it sleeps in between */
  readonly wait: Wait;
  /** smallest step between uniform slots, in bytes */
  readonly uniformAlignment: number;
}

export type Wait = <T>(promise: Promise<T>) => Promise<T>;

export interface OpenGpuOptions {
  /** how to wait for the GPU; by default as for any promise */
  readonly wait?: Wait;
  /** lowers the binding limit, to prove that tensors are split rightly; bytes */
  readonly bindingLimit?: number;
}

export class GpuUnavailable extends Error {
  override readonly name = 'GpuUnavailable';
}

/** No buffer is made larger than this, whatever the device allows: some drivers fail on larger ones. */
const largestBuffer = 2 ** 30;

/**
 * Opens a device with the limits that Graft uses. A fresh adapter is asked for each time, because an adapter gives one device only.
 * Throws GpuUnavailable when there is no adapter.
 */
export async function openGpu(gpu: GPU, sources: ShaderSources, options: OpenGpuOptions = {}): Promise<Gpu> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new GpuUnavailable('WebGPU is here, but it found no GPU that it may use.');
  const { limits, features } = adapter;
  const maxBufferSize = Math.min(limits.maxBufferSize, largestBuffer);
  const bindingLimit = Math.min(limits.maxStorageBufferBindingSize, largestBuffer);
  const wanted: GPUFeatureName[] = ['timestamp-query', 'shader-f16', 'subgroups'];
  const device = await adapter.requestDevice({
    requiredFeatures: wanted.filter((feature) => features.has(feature)),
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize: bindingLimit },
  });
  const info = adapter.info;
  const wait = options.wait ?? ((promise) => promise);
  const name = info.description || [info.vendor, info.architecture].filter(Boolean).join(' ') || 'GPU';
  return {
    device,
    description: {
      name,
      vendor: info.vendor,
      architecture: info.architecture,
      isSoftware:
        info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|software/i.test(`${name} ${info.architecture}`),
      hasF16: device.features.has('shader-f16'),
      hasSubgroups: device.features.has('subgroups'),
      hasTimestamps: device.features.has('timestamp-query'),
      maxBufferSize,
      bindingLimit: Math.min(bindingLimit, options.bindingLimit ?? bindingLimit),
    },
    pipelines: new PipelineCache(device, sources, wait),
    memory: new MemoryLedger(device),
    wait,
    uniformAlignment: device.limits.minUniformBufferOffsetAlignment,
  };
}
