import type { Dispatch } from './kernel.ts';

export interface KernelTime {
  readonly kernel: string;
  readonly dispatches: number;
  readonly milliseconds: number;
  readonly flops: number;
}

const querySetSize = 4096;

/**
 * Runs the dispatches once, each in a pass of its own with timestamps, and sums the time by pipeline, longest first.
 * Needs the 'timestamp-query' feature.
 */
export async function profile(device: GPUDevice, dispatches: readonly Dispatch[]): Promise<KernelTime[]> {
  const sums = new Map<string, { dispatches: number; milliseconds: number; flops: number }>();
  for (let start = 0; start < dispatches.length; start += querySetSize / 2) {
    const part = dispatches.slice(start, start + querySetSize / 2);
    const times = await timePart(device, part);
    part.forEach((dispatch, i) => {
      const key = dispatch.pipeline.label;
      const sum = sums.get(key) ?? { dispatches: 0, milliseconds: 0, flops: 0 };
      sums.set(key, {
        dispatches: sum.dispatches + 1,
        milliseconds: sum.milliseconds + (times[i] ?? 0),
        flops: sum.flops + dispatch.flops,
      });
    });
  }
  return [...sums].map(([kernel, sum]) => ({ kernel, ...sum })).sort((a, b) => b.milliseconds - a.milliseconds);
}

async function timePart(device: GPUDevice, dispatches: readonly Dispatch[]): Promise<number[]> {
  const count = dispatches.length * 2;
  const querySet = device.createQuerySet({ type: 'timestamp', count });
  const resolved = device.createBuffer({
    size: count * 8,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const staging = device.createBuffer({ size: count * 8, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  dispatches.forEach(({ pipeline, bindGroup, grid }, i) => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass({
      timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 },
    });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...grid);
    pass.end();
    device.queue.submit([encoder.finish()]);
  });
  const encoder = device.createCommandEncoder();
  encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, staging, 0, count * 8);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const stamps = new BigUint64Array(staging.getMappedRange());
  const times = dispatches.map((_, i) => Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n)) / 1e6);
  staging.unmap();
  for (const buffer of [resolved, staging]) buffer.destroy();
  querySet.destroy();
  return times;
}
