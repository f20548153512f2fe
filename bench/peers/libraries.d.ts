// What the benchmark uses of its peers. They are installed only when it runs, so their own types are not there when the project is checked.

declare module '@jax-js/jax' {
  export interface Array {
    /** this array with one more owner: every function takes its arguments over and frees them */
    readonly ref: Array;
    transpose(): Array;
    data(): Promise<Float32Array>;
    /** submits what this array waits for; takes the array over */
    gpuBuffer(): Promise<GPUBuffer>;
    dispose(): void;
  }
  export const numpy: {
    array(values: Float32Array, options: { shape: number[] }): Array;
    matmul(a: Array, b: Array): Array;
  };
  export function init(device: 'webgpu'): Promise<string[]>;
  export function defaultDevice(device: 'webgpu'): string;
  export function jit(body: (a: Array, b: Array) => Array): (a: Array, b: Array) => Array;
  export function getWebGPUDevice(): GPUDevice;
}

declare module '@tensorflow/tfjs-core' {
  export interface Tensor {
    data(): Promise<Float32Array>;
    dispose(): void;
  }
  export function tensor2d(values: Float32Array, shape: [number, number]): Tensor;
  export function matMul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor;
  export function setBackend(name: 'webgpu'): Promise<boolean>;
  export function backend(): unknown;
}

declare module '@tensorflow/tfjs-backend-webgpu' {
  export interface WebGPUBackend {
    readonly device: GPUDevice;
    /** what has been recorded and not yet submitted; null right after a submit */
    readonly commandEncoder: GPUCommandEncoder | null;
    endComputePassEncoder(): void;
    submitQueue(): void;
  }
}

declare module 'onnxruntime-web/webgpu' {
  export interface Tensor {
    dispose(): void;
  }
  export const Tensor: {
    fromGpuBuffer(buffer: GPUBuffer, options: { dataType: 'float32'; dims: number[] }): Tensor;
  };
  export interface InferenceSession {
    run(feeds: Record<string, Tensor>, fetches: Record<string, Tensor>): Promise<Record<string, Tensor>>;
    release(): Promise<void>;
  }
  export const InferenceSession: {
    create(model: Uint8Array, options: { executionProviders: ['webgpu'] }): Promise<InferenceSession>;
  };
  export const env: { readonly webgpu: { readonly device: Promise<GPUDevice> }; readonly wasm: { numThreads: number } };
}
