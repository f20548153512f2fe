import { describe, expect, it } from 'vitest';
import { useGpu } from '../../tests/ops/harness.ts';
import { MemoryLedger, OutOfGpuMemory } from './memory.ts';
import { PipelineCache } from './pipelines.ts';
import { readBack, upload } from './transfer.ts';

const context = useGpu();

describe('MemoryLedger', () => {
  it('keeps the sum of what there is by category, whatever is destroyed twice', () => {
    const ledger = new MemoryLedger(context.gpu.device);
    const [a, b] = [
      ledger.create('weights', 'a', 1000, GPUBufferUsage.STORAGE),
      ledger.create('inputs', 'b', 3, GPUBufferUsage.STORAGE),
    ];
    expect([...ledger.bytesByCategory()]).toEqual([
      ['weights', 1000],
      ['inputs', 4],
    ]);
    for (const buffer of [a, a, b]) ledger.destroy(buffer);
    expect([...ledger.bytesByCategory().values()]).toEqual([0, 0]);
  });

  it('refuses a buffer above the largest, by name', () => {
    const ledger = new MemoryLedger(context.gpu.device);
    const tooMuch = context.gpu.device.limits.maxBufferSize + 4;
    expect(() => ledger.create('weights', 'the head', tooMuch, GPUBufferUsage.STORAGE)).toThrow(OutOfGpuMemory);
    expect(() => ledger.create('weights', 'the head', tooMuch, GPUBufferUsage.STORAGE)).toThrow(/the head takes/);
    expect(ledger.bytesByCategory().get('weights') ?? 0).toBe(0);
  });

  it('hands on what allocation throws', async () => {
    const failing = context.gpu.memory.checked('nothing', () => Promise.reject(new Error('unreadable')));
    await expect(failing).rejects.toThrow('unreadable');
    await expect(context.gpu.memory.checked('nothing', () => 7)).resolves.toBe(7);
  });
});

describe('PipelineCache', () => {
  const sources = {
    good: '@group(0) @binding(1) var<storage, read_write> y: array<f32>;\n@compute @workgroup_size(1) fn main() { y[0] = 1.0; }',
    bad: '@group(0) @binding(1) var<storage, read_write> y: array<f32>;\n@compute @workgroup_size(1) fn main() { y[0] = vec2f(1.0); }',
  };

  it('compiles each kernel once and lists those in use', async () => {
    const cache = new PipelineCache(context.gpu.device, sources);
    const progress: number[] = [];
    const [first, second] = await cache.getAll([{ module: 'good' }, { module: 'good' }], (done) => progress.push(done));
    expect(first).toBe(second);
    expect(progress).toEqual([1, 2]);
    expect(cache.keys()).toEqual(['good|||']);
  });

  it('says which kernel does not compile, where and why', async () => {
    const { device } = context.gpu;
    const cache = new PipelineCache(device, sources);
    device.pushErrorScope('validation');
    await expect(cache.get({ module: 'bad' })).rejects.toThrow(
      /Kernel bad\S* does not compile\.\n\d+:\d+ .*vec2.*\n.*y\[0\] = vec2f/s,
    );
    await device.popErrorScope();
  });
});

describe('transfer', () => {
  it('writes and reads part of a buffer', async () => {
    const { device, memory, wait } = context.gpu;
    const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
    const buffer = memory.create('inputs', 'test', 64, STORAGE | COPY_DST | COPY_SRC);
    upload(device, { buffer, offset: 16, size: 12 }, Uint32Array.of(1, 2, 3));
    expect([...new Uint32Array(await readBack(device, { buffer, offset: 12, size: 20 }, wait))]).toEqual([
      0, 1, 2, 3, 0,
    ]);
    memory.destroy(buffer);
  });
});
