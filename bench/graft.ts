import type { Gpu } from '../src/gpu/device.ts';
import type { BufferRange, Dispatch } from '../src/gpu/kernel.ts';
import { readBack } from '../src/gpu/transfer.ts';
import { Graph } from '../src/graph/graph.ts';
import { planGraph } from '../src/graph/plan.ts';
import { Arenas, Program, stepParameterBytes } from '../src/graph/program.ts';
import { loweringContext } from '../src/models/runtime.ts';
import type { FormatName } from '../src/quant/format.ts';
import { formatOf } from '../src/quant/registry.ts';
import { shardRows } from '../src/quant/shards.ts';
import type { Contestant } from './contest.ts';
import { extents } from './shapes.ts';
import { benchmarkWeight, type BenchmarkWeight } from './weights.ts';

/** Graft's own matmul with a weight in that format, traced, planned and bound as in a training step. */
export function graft(gpu: Gpu, format: FormatName): Contestant {
  const { device } = gpu;
  return {
    name: `Graft ${format}`,

    async prepare(product, left) {
      const { rows, inFeatures, outFeatures, direction } = product;
      const { depth, columns } = extents(product);
      const graph = new Graph();
      const a = graph.input('left', [rows, depth], 'f32');
      const b = graph.weight('weight', [outFeatures, inFeatures], format);
      const output = graph.one('matmul', [a, b], { layout: direction === 'forward' ? 'nt' : 'nn' });
      const plan = planGraph(graph, [output], loweringContext(gpu.description), gpu.description.maxBufferSize);

      const weight = benchmarkWeight(format, outFeatures, inFeatures);
      const planes = await uploadWeight(gpu, format, weight, outFeatures, inFeatures);
      const leftRange = uploaded(gpu, new Uint8Array(left.buffer));
      const step = uploaded(gpu, new Uint8Array(stepParameterBytes), GPUBufferUsage.UNIFORM);
      const arenas = new Arenas(gpu);
      const program = await Program.bind(
        gpu,
        plan,
        arenas,
        { range: (tensor, shard, plane) => (tensor === a ? leftRange : required(planes[shard]?.[plane])) },
        step,
      );
      return {
        weight: await weight.decode(),
        run: (repeats) => replay(device, program.dispatches, repeats),
        async result() {
          return new Float32Array(await readBack(device, { ...program.range(output), size: rows * columns * 4 }));
        },
        free() {
          program.destroy(gpu);
          arenas.destroy();
          for (const { buffer } of [leftRange, step, ...planes.flat()]) gpu.memory.destroy(buffer);
        },
      };
    },
  };
}

/** Puts a weight on the GPU as the weight store does: by shards of rows, each in the planes of its format. */
async function uploadWeight(
  gpu: Gpu,
  format: FormatName,
  weight: BenchmarkWeight,
  rows: number,
  columns: number,
): Promise<BufferRange[][]> {
  const shards = shardRows(rows, columns, formatOf(format), gpu.description.bindingLimit);
  return (await weight.planes(shards)).map((planes) => planes.map((plane) => uploaded(gpu, plane)));
}

function uploaded(gpu: Gpu, data: Uint8Array, usage = GPUBufferUsage.STORAGE): BufferRange {
  const buffer = gpu.memory.create('inputs', 'benchmark', data.byteLength, usage | GPUBufferUsage.COPY_DST);
  gpu.device.queue.writeBuffer(buffer, 0, data as Uint8Array<ArrayBuffer>);
  return { buffer, offset: 0, size: buffer.size };
}

async function replay(device: GPUDevice, dispatches: readonly Dispatch[], repeats: number): Promise<void> {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (let i = 0; i < repeats; i++)
    for (const { pipeline, bindGroup, grid } of dispatches) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(...grid);
    }
  pass.end();
  device.queue.submit([encoder.finish()]);
  await device.queue.onSubmittedWorkDone();
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the weight was not uploaded whole');
  return value;
}
