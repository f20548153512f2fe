import { afterAll, beforeAll, expect } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import type { BufferRange } from '../../src/gpu/kernel.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { Submitter } from '../../src/gpu/submission.ts';
import { readBack } from '../../src/gpu/transfer.ts';
import { differentiate } from '../../src/graph/differentiate.ts';
import { Graph } from '../../src/graph/graph.ts';
import { interpret, neutralStep } from '../../src/graph/interpret.ts';
import type { LoweringContext, StepParameters, Values } from '../../src/graph/op.ts';
import { planGraph } from '../../src/graph/plan.ts';
import { Arenas, encodeStepParameters, Program, stepParameterBytes, type Leaves } from '../../src/graph/program.ts';
import { sizeOf, type Shape, type Tensor } from '../../src/graph/tensor.ts';
import { packedPlanes, type PackedTensor } from '../../src/quant/packed.ts';
import { formatOf, weightFormats } from '../../src/quant/registry.ts';
import { shardRows, type RowShard } from '../../src/quant/shards.ts';
import type { BlockFormatName } from '../../src/quant/format.ts';

/** An operand of the op under test. */
export type Operand =
  | { readonly kind: 'f32'; readonly shape: Shape; readonly values?: readonly number[]; readonly scale?: number }
  | { readonly kind: 'u32'; readonly shape: Shape; readonly values: readonly number[] }
  /** a tensor that outlives the step; the op may update it */
  | { readonly kind: 'state'; readonly shape: Shape; readonly values?: readonly number[] }
  /** a frozen weight in a stored format; `bytes` as they lie in a file */
  | { readonly kind: 'weight'; readonly shape: Shape; readonly format: BlockFormatName; readonly bytes: Uint8Array }
  /** a frozen weight that is put together while it is loaded, and the numbers that it stands for */
  | { readonly kind: 'packed'; readonly shape: Shape; readonly tensor: PackedTensor; readonly values: Float32Array };

export interface CheckOptions {
  readonly step?: Partial<StepParameters>;
  /** largest |gpu − reference| allowed, as a share of the largest |reference|; default 2e-5 */
  readonly tolerance?: number;
  /** bytes; lowers the binding limit so that splitting shows */
  readonly bindingLimit?: number;
  readonly flopsPerDispatch?: number;
}

/** Opens one device for the test file and closes it at the end. */
export function useGpu(): { readonly gpu: Gpu } {
  const holder: { gpu?: Gpu } = {};
  beforeAll(async () => {
    holder.gpu = await openNodeGpu();
    holder.gpu.device.addEventListener('uncapturederror', (event) => {
      throw new Error(event.error.message);
    });
  });
  afterAll(() => holder.gpu?.device.destroy());
  return {
    get gpu() {
      if (!holder.gpu) throw new Error('the device is open only inside a test');
      return holder.gpu;
    },
  };
}

/** Repeatable numbers, roughly uniform in [-1, 1). */
export function noise(count: number, seed = 1): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

interface Traced {
  readonly graph: Graph;
  readonly inputs: (Tensor | undefined)[];
  readonly values: Map<Tensor, Values>;
  readonly planes: PlanesOf;
}

/** The planes of each shard of a frozen weight. */
type PlanesOf = Map<Tensor, (shards: readonly RowShard[]) => Promise<Uint8Array[][]>>;

function trace(operands: readonly (Operand | undefined)[]): Traced {
  const graph = new Graph();
  const values = new Map<Tensor, Values>();
  const planes: PlanesOf = new Map();
  const inputs = operands.map((operand, i) => {
    if (!operand) return undefined;
    const count = sizeOf(operand.shape);
    if (operand.kind === 'weight') {
      const tensor = graph.weight(`w${i}`, operand.shape, operand.format);
      values.set(tensor, Float64Array.from(weightFormats[operand.format].decode(operand.bytes, count)));
      planes.set(tensor, (shards) => Promise.resolve(shards.map((shard) => blockPlanes(operand, shard))));
      return tensor;
    }
    if (operand.kind === 'packed') {
      const tensor = graph.weight(`w${i}`, operand.shape, operand.tensor.format);
      values.set(tensor, Float64Array.from(operand.values));
      planes.set(tensor, (shards) => packedPlanes(operand.tensor, shards));
      return tensor;
    }
    if (operand.kind === 'u32') {
      const tensor = graph.input(`u${i}`, operand.shape, 'u32');
      values.set(tensor, Uint32Array.from(operand.values));
      return tensor;
    }
    const tensor =
      operand.kind === 'state' ? graph.state(`s${i}`, operand.shape) : graph.parameter(`p${i}`, operand.shape);
    const scale = operand.kind === 'f32' ? (operand.scale ?? 1) : 1;
    const numbers = operand.values ?? noise(count, i + 1).map((x) => x * scale);
    values.set(tensor, Float64Array.from(numbers, Math.fround));
    return tensor;
  });
  return { graph, inputs, values, planes };
}

function blockPlanes(
  { shape: [rows = 1, ...rest], format, bytes }: Operand & { kind: 'weight' },
  { rowStart, rowCount }: RowShard,
): Uint8Array[] {
  const rowBytes = bytes.byteLength / rows;
  const part = bytes.slice(rowStart * rowBytes, (rowStart + rowCount) * rowBytes);
  return weightFormats[format].repack(part, rowCount, sizeOf(rest));
}

/** Runs the op on the GPU and by its reference; every output must agree, and every state must end up the same. */
export async function checkForward(
  gpu: Gpu,
  op: string,
  operands: readonly (Operand | undefined)[],
  attributes: Readonly<Record<string, unknown>> = {},
  options: CheckOptions = {},
): Promise<void> {
  const { graph, inputs, values, planes } = trace(operands);
  const outputs = graph.apply(op, inputs, attributes);
  const step = { ...neutralStep, ...options.step };
  const expected = interpret(graph, values, step);
  const states = inputs.filter((input) => input?.origin.kind === 'state').filter((state) => state !== undefined);
  const judged = [...outputs, ...states];
  const references = judged.map(expected);
  const actual = await runOnGpu(gpu, graph, judged, values, planes, step, options);
  judged.forEach((output, i) =>
    expectClose(actual[i], references[i], options.tolerance ?? 2e-5, `${op} output ${i} [${output.shape.join(', ')}]`),
  );
}

/**
 * Checks the op's gradient rule against central differences of its reference, both in doubles: for random directions,
 * d/dε Σ w·f(x + ε·u) must equal Σ (gradient·u). Float operands are checked; weights and u32 operands are constants.
 */
export function checkGradient(
  op: string,
  operands: readonly (Operand | undefined)[],
  attributes: Readonly<Record<string, unknown>> = {},
  options: {
    readonly step?: Partial<StepParameters>;
    readonly tolerance?: number;
    readonly outputs?: readonly number[];
  } = {},
): void {
  const step = { ...neutralStep, ...options.step };
  const { graph, inputs, values } = trace(operands);
  const outputs = graph.apply(op, inputs, attributes);
  const seeded = outputs.filter((_, i) => options.outputs?.includes(i) ?? true);
  const seeds = seeded.map((output, i) => {
    const gradient = graph.input(`seed${i}`, output.shape, 'f32');
    values.set(gradient, Float64Array.from(noise(sizeOf(output.shape), 100 + i)));
    return { tensor: output, gradient };
  });
  const gradients = differentiate(graph, seeds);
  const valueOf = interpret(graph, values, step);
  const weighted = (at: Map<Tensor, Values>): number => {
    const plain = new Graph();
    const copies = inputs.map((input) => input && plain.input(`x${input.id}`, input.shape, input.dtype));
    const leaves = new Map<Tensor, Values>();
    copies.forEach((copy, i) => {
      const input = inputs[i];
      const value = input && at.get(input);
      if (copy && value) leaves.set(copy, value);
    });
    const results = plain.apply(op, copies, attributes);
    const read = interpret(plain, leaves, step);
    return seeds.reduce((sum, seed) => {
      const result = results[outputs.indexOf(seed.tensor)];
      return result ? sum + dot(read(result), values.get(seed.gradient) ?? new Float64Array()) : sum;
    }, 0);
  };
  let checked = 0;
  for (const input of new Set(inputs)) {
    if (input?.origin.kind !== 'parameter') continue;
    const gradient = gradients.get(input);
    expect(gradient, `${op}: no gradient for operand ${inputs.indexOf(input)}`).toBeDefined();
    if (!gradient) continue;
    const base = values.get(input) ?? new Float64Array();
    for (let trial = 0; trial < 3; trial++) {
      const direction = Float64Array.from(noise(base.length, 7 + trial));
      const h = 1e-5;
      const moved = (sign: number) =>
        new Map(values).set(
          input,
          Float64Array.from(base, (x, i) => x + sign * h * (direction[i] ?? 0)),
        );
      const numeric = (weighted(moved(1)) - weighted(moved(-1))) / (2 * h);
      const analytic = dot(valueOf(gradient), direction);
      const size = Math.max(1e-3, Math.abs(numeric), Math.abs(analytic));
      expect(
        Math.abs(numeric - analytic) / size,
        `${op} operand ${inputs.indexOf(input)}: ${analytic} against ${numeric}`,
      ).toBeLessThan(options.tolerance ?? 1e-5);
      checked++;
    }
  }
  expect(checked, `${op}: nothing to differentiate`).toBeGreaterThan(0);
}

function dot(a: Values, b: Values): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** Plans, binds and replays a graph once; returns the outputs' numbers. */
export async function runOnGpu(
  gpu: Gpu,
  graph: Graph,
  outputs: readonly Tensor[],
  values: ReadonlyMap<Tensor, Values>,
  planes: Readonly<PlanesOf>,
  step: StepParameters,
  options: CheckOptions,
): Promise<Values[]> {
  const { device } = gpu;
  const bindingLimit = options.bindingLimit ?? gpu.description.bindingLimit;
  const shardsOf = (tensor: Tensor) => {
    const [rows = 1, ...rest] = tensor.shape;
    if (tensor.origin.kind !== 'weight') return [{ rowStart: 0, rowCount: rows }];
    return shardRows(rows, sizeOf(rest), formatOf(tensor.origin.format), bindingLimit);
  };
  const context: LoweringContext = {
    bindingLimit,
    flopsPerDispatch: options.flopsPerDispatch ?? 1e8,
    shards: shardsOf,
  };
  const made: GPUBuffer[] = [];
  const uploaded = new Map<string, BufferRange>();
  const put = (data: Uint8Array): BufferRange => {
    const size = Math.max(4, Math.ceil(data.byteLength / 4) * 4);
    const { STORAGE, UNIFORM, COPY_DST, COPY_SRC } = GPUBufferUsage;
    const buffer = device.createBuffer({ size, usage: (size <= 65536 ? UNIFORM : 0) | STORAGE | COPY_DST | COPY_SRC });
    const padded = new Uint8Array(size);
    padded.set(data);
    device.queue.writeBuffer(buffer, 0, padded);
    made.push(buffer);
    return { buffer, offset: 0, size };
  };
  for (const [tensor, value] of values) {
    const origin = tensor.origin;
    if (origin.kind === 'weight') {
      const shards = (await planes.get(tensor)?.(shardsOf(tensor))) ?? [];
      shards.forEach((shard, s) => shard.forEach((plane, p) => uploaded.set(`${tensor.id}:${s}:${p}`, put(plane))));
    } else {
      const words = tensor.dtype === 'u32' ? Uint32Array.from(value) : Float32Array.from(value);
      uploaded.set(`${tensor.id}:0:0`, put(new Uint8Array(words.buffer)));
    }
  }
  const leaves: Leaves = {
    range(tensor, shard, plane) {
      const range = uploaded.get(`${tensor.id}:${shard}:${plane}`);
      if (!range) throw new Error(`tensor ${tensor.id} (${tensor.origin.kind}) was not uploaded`);
      return range;
    },
  };
  const plan = planGraph(graph, outputs, context, gpu.description.maxBufferSize);
  const arenas = new Arenas(gpu);
  const stepRange = put(new Uint8Array(encodeStepParameters(step)).slice(0, stepParameterBytes));
  const program = await Program.bind(gpu, plan, arenas, leaves, stepRange);
  const submitter = new Submitter(device, gpu.description.isSoftware);
  await submitter.replay(program.dispatches);
  const results: Values[] = [];
  for (const output of outputs) {
    const range = program.range(output);
    const data = await readBack(device, { ...range, size: sizeOf(output.shape) * 4 });
    results.push(output.dtype === 'u32' ? new Uint32Array(data) : Float64Array.from(new Float32Array(data)));
  }
  arenas.destroy();
  for (const buffer of made) buffer.destroy();
  return results;
}

export function expectClose(
  actual: Values | undefined,
  expected: Values | undefined,
  tolerance: number,
  what: string,
): void {
  if (!actual || !expected) throw new Error(`${what} is missing`);
  expect(actual.length, what).toBe(expected.length);
  let largest = 1e-6;
  for (const x of expected) largest = Math.max(largest, Math.abs(x));
  let worst = 0;
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN));
    if (!(difference <= worst)) [worst, at] = [difference, i];
  }
  expect(worst / largest, `${what}: at ${at} ${actual[at]} against ${expected[at]}`).toBeLessThanOrEqual(tolerance);
}
