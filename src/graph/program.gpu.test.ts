import { describe, expect, it } from 'vitest';
import { noise, runOnGpu, useGpu } from '../../tests/ops/harness.ts';
import { differentiate } from './differentiate.ts';
import { Graph } from './graph.ts';
import { neutralStep } from './interpret.ts';
import type { Values } from './op.ts';
import { planGraph } from './plan.ts';
import { Arenas, encodeStepParameters, Program, stepParameterBytes } from './program.ts';
import { sizeOf, type Tensor } from './tensor.ts';

const context = useGpu();

/** Two blocks with dropout; returns the gradients of their weights and the bytes of activations. */
async function gradientBytes(checkpointing: boolean): Promise<{ numbers: Values[]; labels: string[] }> {
  const graph = new Graph();
  const block = <T>(body: () => T): T => (checkpointing ? graph.segment(body) : body());
  let x = graph.input('x', [24, 32], 'f32');
  const weights: Tensor[] = [];
  for (const site of [0, 1])
    x = block(() => {
      const weight = graph.parameter(`w${site}`, [32, 32]);
      weights.push(weight);
      const dropped = graph.one('dropout', [x], { probability: 0.3, site });
      const product = graph.one('matmul', [dropped, weight], { layout: 'nt' });
      return graph.one('binary', [graph.one('unary', [product], { operator: 'tanh' }), x], { operator: 'add' });
    });
  const seed = graph.input('seed', [24, 32], 'f32');
  const gradients = differentiate(graph, [{ tensor: x, gradient: seed }]);
  const outputs = weights.flatMap((weight) => gradients.get(weight) ?? []);
  const values = new Map<Tensor, Values>();
  for (const [i, leaf] of [...graph.leaves()].filter(({ origin }) => origin.kind !== 'weight').entries())
    values.set(leaf, Float64Array.from(noise(sizeOf(leaf.shape), i + 1), Math.fround));
  const step = { ...neutralStep, seed: 5, step: 3 };
  return {
    numbers: await runOnGpu(context.gpu, graph, outputs, values, new Map(), step, {}),
    labels: graph.nodes.map(({ label }) => label),
  };
}

describe('recomputed activations', () => {
  it('give the very same gradients, bit for bit', async () => {
    const [kept, recomputed] = [await gradientBytes(false), await gradientBytes(true)];
    expect(recomputed.labels.some((label) => label.endsWith('.recompute'))).toBe(true);
    expect(kept.labels.some((label) => label.endsWith('.recompute'))).toBe(false);
    expect(kept.numbers).toHaveLength(2);
    expect(recomputed.numbers).toEqual(kept.numbers);
    expect(kept.numbers[0]?.some((x) => x !== 0)).toBe(true);
  });
});

describe('Program', () => {
  it('gives back what it took, and Arenas tell when a program went stale', async () => {
    const { gpu } = context;
    const taken = () => [...gpu.memory.bytesByCategory().values()].reduce((sum, bytes) => sum + bytes, 0);
    const before = taken();
    const step = gpu.memory.create('parameters', 'step', stepParameterBytes, GPUBufferUsage.UNIFORM);
    const input = gpu.memory.create('inputs', 'x', 4096, GPUBufferUsage.STORAGE);
    const leaves = { range: () => ({ buffer: input, offset: 0, size: 4096 }) };
    const arenas = new Arenas(gpu);
    const bind = (rows: number) => {
      const graph = new Graph();
      const output = graph.one('softmax', [graph.input('x', [rows, 64], 'f32')]);
      const { bindingLimit, maxBufferSize } = gpu.description;
      const shards = (tensor: Tensor) => [{ rowStart: 0, rowCount: tensor.shape[0] ?? 1 }];
      const plan = planGraph(graph, [output], { bindingLimit, flopsPerDispatch: 1e9, shards }, maxBufferSize);
      return Program.bind(gpu, plan, arenas, leaves, { buffer: step, offset: 0, size: stepParameterBytes });
    };
    const small = await bind(4);
    expect(arenas.replaced).toBe(0);
    const large = await bind(16);
    expect(arenas.replaced).toBe(1);
    await bind(8).then((program) => program.destroy(gpu));
    expect(arenas.replaced).toBe(1);
    for (const program of [small, large]) program.destroy(gpu);
    arenas.destroy();
    for (const buffer of [step, input]) gpu.memory.destroy(buffer);
    expect(taken()).toBe(before);
  });
});

describe('encodeStepParameters', () => {
  it('lays the numbers out as shaders/step.wgsl reads them', () => {
    const bytes = encodeStepParameters({
      ...{ seed: 4_000_000_000, step: 2, microBatch: 3, queryOffset: 4, inverseTargets: 0.5, learningRate: 0.25 },
      ...{ weightDecay: 0.125, maxGradNorm: 1.5 },
    });
    expect(bytes.byteLength).toBe(stepParameterBytes);
    expect([...new Uint32Array(bytes, 0, 4)]).toEqual([4_000_000_000, 2, 3, 4]);
    expect([...new Float32Array(bytes, 16, 4)]).toEqual([0.5, 0.25, 0.125, 1.5]);
  });
});
