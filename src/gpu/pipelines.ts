import type { Wait } from './device.ts';
import { kernelKey, type KernelSpec } from './kernel.ts';
import { bindingsOf, linkKernel, type BindingAccess, type ShaderSources } from './shaderSources.ts';

export interface Pipeline {
  readonly key: string;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly bindings: ReadonlyMap<number, BindingAccess>;
}

const bufferType = { uniform: 'uniform', read: 'read-only-storage', read_write: 'storage' } as const;

/** Compiles each distinct kernel once for the life of the device. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #sources: ShaderSources;
  readonly #wait: Wait;
  readonly #pipelines = new Map<string, Promise<Pipeline>>();

  constructor(device: GPUDevice, sources: ShaderSources, wait: Wait = (promise) => promise) {
    this.#device = device;
    this.#sources = sources;
    this.#wait = wait;
  }

  /** Compiles on first use; a WGSL error names the kernel and shows the lines the compiler complains of. */
  get(spec: KernelSpec): Promise<Pipeline> {
    const key = kernelKey(spec);
    const known = this.#pipelines.get(key);
    if (known) return known;
    const made = this.#compile(key, spec);
    this.#pipelines.set(key, made);
    return made;
  }

  /** Compiles all at once, telling how many are done. */
  async getAll(specs: readonly KernelSpec[], onProgress?: (done: number, total: number) => void): Promise<Pipeline[]> {
    let done = 0;
    return Promise.all(
      specs.map(async (spec) => {
        const pipeline = await this.get(spec);
        onProgress?.(++done, specs.length);
        return pipeline;
      }),
    );
  }

  /** The variants in use so far: part of a run's record, because they decide its bits. */
  keys(): string[] {
    return [...this.#pipelines.keys()].sort();
  }

  async #compile(key: string, spec: KernelSpec): Promise<Pipeline> {
    const code = await linkKernel(this.#sources, spec);
    const bindings = bindingsOf(code);
    const module = this.#device.createShaderModule({ label: key, code });
    const layout = this.#device.createBindGroupLayout({
      label: key,
      entries: [...bindings].map(([binding, access]) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: bufferType[access] },
      })),
    });
    try {
      const pipeline = await this.#wait(
        this.#device.createComputePipelineAsync({
          label: key,
          layout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout] }),
          compute: { module, entryPoint: 'main' },
        }),
      );
      return { key, pipeline, layout, bindings };
    } catch (cause) {
      throw new Error(`Kernel ${key} does not compile.\n${await explain(module, code)}`, { cause });
    }
  }
}

async function explain(module: GPUShaderModule, code: string): Promise<string> {
  const { messages } = await module.getCompilationInfo();
  const lines = code.split('\n');
  return messages.map((m) => `${m.lineNum}:${m.linePos} ${m.message}\n  ${lines[m.lineNum - 1] ?? ''}`).join('\n');
}
