import { createRequire } from 'node:module';
import type { Gpu } from '../src/gpu/device.ts';
import { openNodeGpu } from '../src/gpu/node.ts';

/** Opens the GPU and lets failures of any kernel end the run: a benchmark of wrong work is worth nothing. */
export async function openBenchmarkGpu(): Promise<Gpu> {
  const gpu = await openNodeGpu();
  gpu.device.addEventListener('uncapturederror', ({ error }) => {
    console.error(error.message);
    process.exit(1);
  });
  return gpu;
}

/** Dawn aborts when its entry object is collected, so it is kept for life. */
const kept: unknown[] = [];

/** Gives libraries that are made for browsers a navigator.gpu. To be called after a GPU was opened, which sets WebGPU's globals. */
export function provideNavigator(): void {
  const dawn = createRequire(import.meta.url)('webgpu') as { create(flags: string[]): GPU };
  const gpu = dawn.create([]);
  kept.push(gpu);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'Node' }, configurable: true });
}

const clock = new Int32Array(new SharedArrayBuffer(4));

/** Dawn spins the thread while a promise of the GPU is pending; sleeping between its turns leaves the cores to the driver. */
export async function sleepUntil<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = () => (isDone = true);
  work.then(done, done);
  while (!isDone) {
    Atomics.wait(clock, 0, 0, 0.2);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return work;
}
