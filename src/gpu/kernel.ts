/** What makes one pipeline: a WGSL module, the modules plugged into it, its conditions and its compile-time constants. */
export interface KernelSpec {
  /** path under shaders/ without its ending, e.g. 'matmul/nt' */
  readonly module: string;
  /** `@if(NAME)` conditions; all that the module names must be given */
  readonly conditions?: Readonly<Record<string, boolean>>;
  /** values that the module reads by `import constants::NAME;` */
  readonly constants?: Readonly<Record<string, number | string>>;
  /** `import package::ALIAS::…` resolved to another file, e.g. { weight: 'quant/q4_1' } */
  readonly plugins?: Readonly<Record<string, string>>;
}

/** A range of a buffer as it is bound. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

export type Grid = readonly [x: number, y: number, z: number];

/** One entry of the replay list: everything that a dispatch needs, made at plan time. */
export interface Dispatch {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly grid: Grid;
  /** floating-point operations, for submit boundaries and the profile */
  readonly flops: number;
}

/** A stable name of a pipeline, for caches and for the record of which variants a run used. */
export function kernelKey(spec: KernelSpec): string {
  const part = (entries: Readonly<Record<string, unknown>> | undefined) =>
    Object.entries(entries ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}=${String(value)}`)
      .join(',');
  return [spec.module, part(spec.conditions), part(spec.constants), part(spec.plugins)].join('|');
}
