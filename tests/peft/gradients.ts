import { expect } from 'vitest';
import { differentiate } from '../../src/graph/differentiate.ts';
import { Graph } from '../../src/graph/graph.ts';
import { interpret, neutralStep } from '../../src/graph/interpret.ts';
import type { Values } from '../../src/graph/op.ts';
import { sortIds } from '../../src/graph/ops/sortIds.ts';
import { sizeOf, type Shape, type Tensor } from '../../src/graph/tensor.ts';
import { ModelBuilder, type WeightCatalog } from '../../src/models/builder.ts';
import type { ModelDescription } from '../../src/models/family.ts';
import { describeModel } from '../../src/models/registry.ts';
import type { Adapter, InitialContext } from '../../src/peft/method.ts';
import { methodOf } from '../../src/peft/registry.ts';
import { readFields } from '../../src/peft/schema.ts';
import { noise } from '../ops/harness.ts';

/** One layer of every kind of module, small enough that each number can be moved in turn. */
export const tinyLlama = {
  model_type: 'llama',
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  vocab_size: 10,
} as const;

/** The same of an encoder and a decoder; the distances end within a row. */
export const tinyT5 = {
  model_type: 't5',
  d_model: 8,
  d_kv: 3,
  d_ff: 12,
  num_layers: 1,
  num_heads: 2,
  vocab_size: 10,
  relative_attention_num_buckets: 6,
  relative_attention_max_distance: 4,
} as const;

/** The method's settings on a model: peft_type and fields as a run file has them. */
export function attachTo(
  description: ModelDescription,
  given: Readonly<Record<string, unknown>>,
  taskType = 'CAUSAL_LM',
  totalSteps?: number,
): Adapter {
  const method = methodOf(given['peft_type']);
  return method.attach(readFields(method.fields, given), { description, baseModelName: null, taskType, totalSteps });
}

/**
 * Checks the gradient of Σ w · hidden, w fixed, for every trained parameter against central differences through a whole tiny model in
 * training, dropout and all. Weights and parameters are noise, but for frozen parameters that are computed from them; what is detached
 * keeps the value that it has before a number is moved.
 * @param given peft_type and fields as a run file has them
 * @param config of the model; default: tinyLlama
 */
export async function checkMethodGradients(
  given: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>> = tinyLlama,
): Promise<void> {
  const description = describeModel(config);
  const adapter = attachTo(description, given);
  const { graph, output, rowLength } = traceBody(description, adapter);
  const forward = graph.nodes.length;
  const seed = graph.input('seed', output.shape, 'f32');
  const direction = noise(sizeOf(output.shape), 99);
  const gradients = differentiate(graph, [{ tensor: output, gradient: seed }]);
  const leaves = new Map<Tensor, Values>();
  for (const leaf of graph.leaves()) leaves.set(leaf, valuesOf(leaf, description, rowLength));
  leaves.set(seed, Float64Array.from(direction));
  await computeFrozen(adapter, leaves);
  const valueOf = interpret(graph, leaves, neutralStep);
  graph.nodes.length = forward;
  const pinned = new Map(detachedInputs(graph).map((tensor) => [tensor, valueOf(tensor)]));
  const trained = adapter.parameters.filter(({ role = 'trained' }) => role === 'trained');
  for (const { name, shape } of trained) {
    const parameter = graph.parameter(name, shape);
    // a table that is looked up has its gradient added to its state
    const gradient = gradients.get(parameter) ?? graph.state(`gradient:${name}`, shape);
    expect(leaves.has(gradient) || gradients.has(parameter), `${name} has a gradient`).toBe(true);
    const analytic = valueOf(gradient);
    const start = leaves.get(parameter) ?? [];
    const sumAt = (i: number, by: number) => {
      const moved = Float64Array.from(start).fill((start[i] ?? NaN) + by, i, i + 1);
      const hidden = interpret(graph, new Map([...leaves, ...pinned]).set(parameter, moved), neutralStep)(output);
      return Array.from(hidden).reduce((sum, value, j) => sum + value * (direction[j] ?? 0), 0);
    };
    for (const i of samples(sizeOf(shape))) {
      const slope = (sumAt(i, moveBy) - sumAt(i, -moveBy)) / (2 * moveBy);
      const error = Math.abs((analytic[i] ?? NaN) - slope);
      expect(error, `${name}[${i}]: ${analytic[i]} and ${slope}`).toBeLessThan(1e-6 * Math.max(1, Math.abs(slope)));
    }
  }
}

/** Frozen parameters that are computed from weights and from other parameters. */
async function computeFrozen({ parameters }: Adapter, leaves: Map<Tensor, Values>): Promise<void> {
  const byName = new Map([...leaves.keys()].map((leaf) => ['name' in leaf.origin && leaf.origin.name, leaf]));
  const specs = new Map(parameters.map((spec) => [spec.name, spec]));
  const valueOf = (name: string) => {
    const leaf = byName.get(name);
    return Promise.resolve(Float32Array.from((leaf && leaves.get(leaf)) ?? []));
  };
  const context: InitialContext = {
    seed: 1,
    base: valueOf,
    parameter: (name) => {
      const spec = specs.get(name);
      return spec?.role === 'frozen' && spec.initial.kind === 'computed'
        ? spec.initial.compute(context)
        : valueOf(name);
    },
    baseRows: () => Promise.reject(new Error('frozen parameters are computed from whole tensors')),
    tokenize: () => [],
  };
  for (const { name, role } of parameters) {
    const leaf = byName.get(name);
    if (role === 'frozen' && leaf) leaves.set(leaf, Float64Array.from(await context.parameter(name)));
  }
}

function detachedInputs({ nodes }: Graph): Tensor[] {
  return nodes
    .flatMap(({ inputs }) => inputs)
    .filter((input) => input !== undefined)
    .filter(({ origin }) => origin.kind === 'view' && origin.isDetached);
}

/** A few entries of each tensor, the ends among them. */
function samples(size: number): number[] {
  return [...new Set([0, 1, Math.floor(size / 3), Math.floor(size / 2), size - 1])].filter((i) => i < size);
}

const moveBy = 1e-5;
const [batch, tokens] = [2, 3];

/** Hidden states behind the last norm. */
function traceBody(
  description: ModelDescription,
  { hooks }: Adapter,
): { graph: Graph; output: Tensor; rowLength: number } {
  const graph = new Graph();
  const builder = new ModelBuilder({
    graph,
    description,
    catalog: catalogOf(description),
    adapter: hooks,
    mode: { kind: 'forward' },
    isTraining: true,
    batch,
    tokens,
    decoderTokens: description.stacks && tokens,
    positions: 16,
  });
  const output = description.traceBody(builder, graph.input('ids', [batch, tokens], 'u32'));
  return { graph, output, rowLength: builder.tokens };
}

function valuesOf({ origin, shape }: Tensor, { vocabSize }: ModelDescription, rowLength: number): Values {
  if (!('name' in origin)) throw new Error('a leaf has a name');
  const { name } = origin;
  const count = sizeOf(shape);
  if (origin.kind === 'state') return new Float64Array(count);
  const ids = Uint32Array.from({ length: batch * tokens }, (_, i) => (3 * i + 1) % vocabSize);
  if (/^(ids|decoderIds)$/.test(name)) return ids;
  if (name.endsWith('ds.order')) return sortIds(ids).order;
  if (name.endsWith('ds.starts')) return sortIds(ids).starts;
  if (name === 'positionIds') return Uint32Array.from({ length: count }, (_, i) => i % rowLength);
  if (name === 'decoderLengths') return new Uint32Array(count).fill(tokens);
  if (name === 'keyLengths') return Uint32Array.from({ length: count }, (_, i) => rowLength - (i % 2));
  const seed = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 2 ** 31, 7);
  return Float64Array.from(noise(count, seed));
}

function catalogOf({ modules }: ModelDescription): WeightCatalog {
  const catalog = new Map<string, { shape: Shape; format: 'f32' }>();
  for (const { path, kind, inFeatures, outFeatures, hasBias } of modules) {
    const matrix = [outFeatures, inFeatures];
    const shapes = { linear: matrix, patches: matrix, embedding: [inFeatures, outFeatures], norm: [outFeatures] };
    catalog.set(`${path}.weight`, { shape: shapes[kind], format: 'f32' });
    if (hasBias) catalog.set(`${path}.bias`, { shape: [outFeatures], format: 'f32' });
  }
  return catalog;
}
