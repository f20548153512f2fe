/**
 * Times the attention kernels on shapes of small language models; prints useful GFLOP/s, that is counting the pairs of a query and
 * a key that it sees.
 *
 *   tsx bench/lab/attention.ts [--rounds N] [--overlay DIR]… [--shape B,T,S,nH,nKV,hd]…
 *
 * An overlay is a folder laid over shaders/: its kernels run by turns with the present ones, and the ratio of the times is printed.
 * That is how variants were tried before one was kept.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { PipelineCache } from '../../src/gpu/pipelines.ts';
import { shaderSourcesFromDisk } from '../../src/gpu/shaderSources.node.ts';
import { Submitter } from '../../src/gpu/submission.ts';
import { Graph } from '../../src/graph/graph.ts';
import { neutralStep } from '../../src/graph/interpret.ts';
import { planGraph } from '../../src/graph/plan.ts';
import { Arenas, encodeStepParameters, Program } from '../../src/graph/program.ts';
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts';
import { timeInterleaved, type Candidate } from './measure.ts';

type ShapeNumbers = readonly [
  batches: number,
  queries: number,
  keys: number,
  heads: number,
  keyHeads: number,
  size: number,
];

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '8' },
    overlay: { type: 'string', multiple: true, default: [] },
    shape: { type: 'string', multiple: true, default: ['1,64,64,9,3,64', '1,256,256,9,3,64', '1,512,512,9,3,64'] },
  },
});

/** The op under test and what it costs for each visible pair and each value of a head. */
const kernels = [
  { op: 'attention', flopsPerPair: 4 },
  { op: 'attentionQueryGradient', flopsPerPair: 6 },
  { op: 'attentionKeyGradient', flopsPerPair: 8 },
];

const gpu = await openNodeGpu();
const sources = shaderSourcesFromDisk();
const variants = [
  { name: 'present', gpu },
  ...flags.overlay.map((folder) => ({ name: folder, gpu: overlaid(gpu, folder) })),
];

for (const text of flags.shape) {
  const numbers = text.split(',').map(Number) as unknown as ShapeNumbers;
  for (const kernel of kernels) {
    const candidates: Candidate[] = [];
    for (const variant of variants) {
      const start = performance.now();
      candidates.push(await candidate(variant.name, variant.gpu, kernel.op, kernel.flopsPerPair, numbers));
      const seconds = (performance.now() - start) / 1000;
      if (seconds > 0.5) console.error(`${kernel.op} ${variant.name}: pipeline in ${seconds.toFixed(1)} s`);
    }
    const timings = await timeInterleaved(gpu, candidates, Number(flags.rounds));
    for (const timing of timings) {
      const gigaflops = (seconds: number) => (timing.flops / seconds / 1e9).toFixed(2);
      const ratio = ((timings[0]?.cpu ?? NaN) / timing.cpu).toFixed(2);
      console.log(
        `${text.padEnd(20)} ${kernel.op.padEnd(24)} ${timing.name.padEnd(24)} wall ${(timing.wall * 1e3).toFixed(1).padStart(7)} ms` +
          ` ${gigaflops(timing.wall)} GFLOP/s   two cores ${gigaflops(timing.cpu / 2)} GFLOP/s   × ${ratio}`,
      );
    }
  }
}
gpu.device.destroy();
process.exit(0);

/** The same device with the kernels of a folder in place of those under shaders/. */
function overlaid(base: Gpu, folder: string): Gpu {
  const replaced = { ...sources };
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (path.endsWith('.wgsl')) replaced[path.slice(0, -5)] = readFileSync(join(folder, path), 'utf8');
  return { ...base, pipelines: new PipelineCache(base.device, replaced) };
}

/** Binds one op on buffers of small numbers. */
async function candidate(
  name: string,
  on: Gpu,
  op: string,
  flopsPerPair: number,
  numbers: ShapeNumbers,
): Promise<Candidate> {
  const [batches, queries, keys, heads, keyHeads, size] = numbers;
  const graph = new Graph();
  const query = graph.input('query', [batches, queries, heads, size], 'f32');
  const key = graph.input('key', [batches, keys, keyHeads, size], 'f32');
  const value = graph.input('value', [batches, keys, keyHeads, size], 'f32');
  const lengths = graph.input('lengths', [batches], 'u32');
  const gradient = graph.input('gradient', query.shape, 'f32');
  const statistics = graph.input('statistics', [batches, heads, queries, 2], 'f32');
  const backward = op === 'attention' ? [] : [gradient, statistics];
  const attributes = { causal: true, window: 0, scale: size ** -0.5 };
  const outputs = graph.apply(op, [query, key, value, lengths, ...backward], attributes);
  const ranges = new Map<Tensor, GPUBuffer>();
  for (const tensor of graph.leaves()) {
    const count = sizeOf(tensor.shape);
    const words =
      tensor.dtype === 'u32'
        ? new Uint32Array(count).fill(keys)
        : Float32Array.from({ length: count }, (_, i) => Math.sin(i));
    ranges.set(tensor, filled(on, words));
  }
  const step = filled(on, new Uint8Array(encodeStepParameters({ ...neutralStep, queryOffset: keys - queries })));
  const context = {
    bindingLimit: on.description.bindingLimit,
    flopsPerDispatch: Submitter.flopsPerDispatch(on.description.isSoftware),
    shards: (tensor: Tensor) => [{ rowStart: 0, rowCount: tensor.shape[0] ?? 1 }],
  };
  const plan = planGraph(graph, outputs, context, on.description.maxBufferSize);
  const leaves = {
    range(tensor: Tensor) {
      const buffer = ranges.get(tensor);
      if (!buffer) throw new Error('every leaf was filled above');
      return { buffer, offset: 0, size: buffer.size };
    },
  };
  const program = await Program.bind(on, plan, new Arenas(on), leaves, { buffer: step, offset: 0, size: step.size });
  const pairs = (batches * heads * queries * (2 * keys - queries + 1)) / 2;
  return {
    name,
    flops: flopsPerPair * size * pairs,
    encode(pass) {
      for (const dispatch of program.dispatches) {
        pass.setPipeline(dispatch.pipeline);
        pass.setBindGroup(0, dispatch.bindGroup);
        pass.dispatchWorkgroups(...dispatch.grid);
      }
    },
  };
}

function filled(
  on: Gpu,
  data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>,
): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  const buffer = on.device.createBuffer({ size: data.byteLength, usage });
  on.device.queue.writeBuffer(buffer, 0, data);
  return buffer;
}
