/**
 * Times the matmul kernels as the engine uses them: npx tsx bench/lab/matmul.ts [tokens,in,out …]
 * For a linear of `in` and `out` features: forward y = x·Wᵀ in every weight format, backward dx = dy·W likewise, and dW = dyᵀ·x.
 * Prints GFLOP/s by the wall clock and by the driver's processor time on two cores, and the ratio to f32 by the latter.
 */
import { openNodeGpu } from '../../src/gpu/node.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { Graph } from '../../src/graph/graph.ts';
import { neutralStep } from '../../src/graph/interpret.ts';
import { planGraph } from '../../src/graph/plan.ts';
import { Arenas, encodeStepParameters, Program } from '../../src/graph/program.ts';
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts';
import type { BlockFormatName } from '../../src/quant/format.ts';
import { weightFormats } from '../../src/quant/registry.ts';
import { planeBytes } from '../../src/quant/shards.ts';
import { timeInterleaved, type Candidate } from './measure.ts';

const rounds = 5;
const formats = Object.keys(weightFormats) as BlockFormatName[];
/** SmolLM2-135M: the linears of a layer, LoRA of rank 8 beside them, and decoding one token. */
const defaultShapes = [
  ...['256,576,576', '256,576,192', '256,576,1536', '256,1536,576', '64,576,576', '64,576,1536', '64,1536,576'],
  ...['256,576,8', '256,8,576', '256,8,1536'],
  ...['1,576,576', '1,576,1536', '1,1536,576', '1,576,49152'],
];
/** Small products are repeated, so that a timing is not that of the wait. */
const leastFlops = 2e8;

type Direction = 'forward' | 'backward' | 'weight';

/** One product with its buffers filled with arbitrary finite numbers. */
async function candidate(
  gpu: Gpu,
  direction: Direction,
  format: BlockFormatName,
  tokens: number,
  inputs: number,
  outputs: number,
): Promise<Candidate> {
  const graph = new Graph();
  const x = graph.input('x', [tokens, direction === 'backward' ? outputs : inputs], 'f32');
  const w =
    direction === 'weight' ? graph.input('dy', [tokens, outputs], 'f32') : graph.weight('w', [outputs, inputs], format);
  const layout = { forward: 'nt', backward: 'nn', weight: 'tn' }[direction];
  const y = graph.one('matmul', direction === 'weight' ? [w, x] : [x, w], { layout });
  const { bindingLimit, maxBufferSize } = gpu.description;
  const shards = (tensor: Tensor) => [{ rowStart: 0, rowCount: tensor.shape[0] ?? 1 }];
  const plan = planGraph(graph, [y], { bindingLimit, flopsPerDispatch: Infinity, shards }, maxBufferSize);
  const buffers = new Map<string, GPUBuffer>();
  const range = (tensor: Tensor, _shard: number, plane: number) => {
    const key = `${tensor.id}:${plane}`;
    const bytes =
      tensor === w && direction !== 'weight'
        ? (planeBytes(weightFormats[format], outputs, inputs)[plane] ?? 0)
        : sizeOf(tensor.shape) * 4;
    const buffer = buffers.get(key) ?? filled(gpu, bytes);
    buffers.set(key, buffer);
    return { buffer, offset: 0, size: bytes };
  };
  const step = filled(gpu, 256, GPUBufferUsage.UNIFORM);
  gpu.device.queue.writeBuffer(step, 0, encodeStepParameters(neutralStep));
  const program = await Program.bind(gpu, plan, new Arenas(gpu), { range }, { buffer: step, offset: 0, size: 48 });
  const flops = 2 * tokens * inputs * outputs;
  const repeats = Math.max(1, Math.round(leastFlops / flops));
  return {
    name: `${direction} ${format}`,
    flops: flops * repeats,
    encode(pass) {
      for (const dispatch of Array.from({ length: repeats }, () => program.dispatches).flat()) {
        pass.setPipeline(dispatch.pipeline);
        pass.setBindGroup(0, dispatch.bindGroup);
        pass.dispatchWorkgroups(...dispatch.grid);
      }
    },
  };
}

/** Every word 0x3C003A00: small finite numbers as f32, f16, bf16 and as scales. */
function filled(gpu: Gpu, bytes: number, usage: number = GPUBufferUsage.STORAGE): GPUBuffer {
  const buffer = gpu.device.createBuffer({ size: Math.max(256, bytes), usage: usage | GPUBufferUsage.COPY_DST });
  gpu.device.queue.writeBuffer(buffer, 0, new Uint32Array(buffer.size / 4).fill(0x3c003a00));
  return buffer;
}

async function main(): Promise<void> {
  const shapes = process.argv.length > 2 ? process.argv.slice(2) : defaultShapes;
  const figure = (flops: number, seconds: number) => (flops / seconds / 1e9).toFixed(2).padStart(7);
  for (const shape of shapes) {
    const gpu = await openNodeGpu();
    const [tokens = 1, inputs = 1, outputs = 1] = shape.split(',').map(Number);
    const both = tokens > 1 ? (['forward', 'backward'] as const) : (['forward'] as const);
    const candidates: Candidate[] = [];
    for (const direction of both)
      for (const format of formats.filter((name) => inputs % weightFormats[name].blockSize === 0))
        candidates.push(await candidate(gpu, direction, format, tokens, inputs, outputs));
    if (tokens > 1) candidates.push(await candidate(gpu, 'weight', 'f32', tokens, inputs, outputs));
    const timings = await timeInterleaved(gpu, candidates, rounds);
    console.log(`${shape}                 wall    cpu  to f32   (GFLOP/s; ${gpu.description.name})`);
    for (const { name, flops, wall, cpu } of timings) {
      const plain = timings.find((other) => other.name === `${name.split(' ')[0] ?? ''} f32`);
      console.log(
        `${name.padEnd(20)}${figure(flops, wall)}${figure(2 * flops, cpu)}${((plain?.cpu ?? NaN) / cpu).toFixed(2).padStart(7)}`,
      );
    }
    gpu.device.destroy();
  }
  process.exit(0);
}

await main();
