import { expect } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { interpret, neutralStep } from '../../src/graph/interpret.ts';
import type { Values } from '../../src/graph/op.ts';
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts';
import type { ModuleInfo } from '../../src/models/family.ts';
import { describeModel } from '../../src/models/registry.ts';
import { initialValues } from '../../src/peft/initialize.ts';
import { methodOf } from '../../src/peft/registry.ts';
import { noise } from '../ops/harness.ts';
import { attachTo } from './gradients.ts';

/** One layer of a model whose linears have biases. */
const tinyQwen = {
  model_type: 'qwen2',
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  vocab_size: 10,
} as const;

function weightOf({ inFeatures, outFeatures }: ModuleInfo): Float32Array {
  return Float32Array.from(noise(outFeatures * inFeatures, 5));
}

/**
 * Checks that each target with its merged weight and bias gives what the adapter gives around it.
 * @param given peft_type and fields as a run file has them
 */
export async function checkMerge(given: Readonly<Record<string, unknown>>): Promise<void> {
  const description = describeModel(tinyQwen);
  const adapter = attachTo(description, given);
  const { merge } = methodOf(adapter.peftType);
  const fresh = await initialValues(adapter, new Map(), {
    seed: 3,
    base: (name) => {
      const module = description.modules.find(({ path }) => name === `${path}.weight`);
      return module ? Promise.resolve(weightOf(module)) : Promise.reject(new Error(`${name} is read`));
    },
    baseRows: () => Promise.reject(new Error('no rows are read')),
    tokenize: () => [],
  });
  const moved = (name: string, values: Float32Array) =>
    values.map((x, i) => x + 0.3 * (noise(values.length, name.length + values.length)[i] ?? 0));
  const values = new Map(
    adapter.parameters.map(({ name, role = 'trained' }) => {
      const start = fresh.get(name) ?? new Float32Array();
      return [name, role === 'trained' ? moved(name, start) : start];
    }),
  );
  let changed = 0;
  for (const module of description.modules.filter(({ kind }) => kind === 'linear')) {
    const { path, inFeatures, outFeatures, hasBias } = module;
    const weight = weightOf(module);
    const bias = Float32Array.from(noise(outFeatures, 6));
    const merged = (name: string, shape: readonly number[], data: Float32Array) =>
      merge?.(adapter, values, { name: `${path}.${name}`, modulePath: path, shape, format: 'f32', data }) ?? data;
    const newWeight = merged('weight', [outFeatures, inFeatures], weight);
    const newBias = hasBias ? merged('bias', [outFeatures], bias) : new Float32Array(outFeatures);
    if (newWeight !== weight) changed++;

    const graph = new Graph();
    const leaf = (name: string, shape: readonly number[]) => graph.weight(name, shape, 'f32');
    const [x, w, b] = [leaf('x', [1, 3, inFeatures]), leaf('w', [outFeatures, inFeatures]), leaf('b', [outFeatures])];
    const product = (input: Tensor) => graph.one('matmul', [input, w], { layout: 'nt' });
    const base = (input: Tensor) =>
      graph.one('matmul', [input, w, undefined, hasBias ? b : undefined], { layout: 'nt' });
    const trace = { graph, isTraining: false, batch: 1, tokens: 3 };
    const y = adapter.hooks.linear?.(trace, { module, base, product, bias: hasBias ? b : undefined }, x) ?? base(x);
    const input = Float64Array.from(noise(3 * inFeatures, 8));
    const leaves = new Map<Tensor, Values>();
    for (const tensor of graph.leaves())
      if ('name' in tensor.origin)
        leaves.set(tensor, Float64Array.from(values.get(tensor.origin.name) ?? new Float32Array(sizeOf(tensor.shape))));
    leaves.set(x, input).set(w, Float64Array.from(weight)).set(b, Float64Array.from(bias));
    const adapted = interpret(graph, leaves, neutralStep)(y);
    adapted.forEach((value, at) => {
      const [row, out] = [Math.floor(at / outFeatures), at % outFeatures];
      let sum = newBias[out] ?? NaN;
      for (let i = 0; i < inFeatures; i++)
        sum += (input[row * inFeatures + i] ?? NaN) * (newWeight[out * inFeatures + i] ?? NaN);
      expect(value, `${path} ${row} ${out}`).toBeCloseTo(sum, 4);
    });
  }
  expect(changed, 'merged modules').toBeGreaterThan(0);
}
