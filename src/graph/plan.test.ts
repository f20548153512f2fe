import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Graph } from './graph.ts';
import type { LoweringContext } from './op.ts';
import { planGraph, TensorTooLarge, type Plan } from './plan.ts';
import { sizeOf, storageOf, type Tensor } from './tensor.ts';

const context: LoweringContext = {
  bindingLimit: 2 ** 27,
  flopsPerDispatch: 1e9,
  shards: (tensor) => [{ rowStart: 0, rowCount: tensor.shape[0] ?? 1 }],
};

function plan(graph: Graph, outputs: readonly Tensor[], limits: { binding?: number; buffer?: number } = {}): Plan {
  return planGraph(graph, outputs, { ...context, bindingLimit: limits.binding ?? 2 ** 27 }, limits.buffer ?? 2 ** 30);
}

const tanh = (graph: Graph, x: Tensor) => graph.one('unary', [x], { operator: 'tanh' });
const add = (graph: Graph, a: Tensor, b: Tensor) => graph.one('binary', [a, b], { operator: 'add' });
const kernels = ({ dispatches }: Plan) => dispatches.map(({ kernel }) => kernel.module);

describe('planGraph', () => {
  it('drops ops that nothing reads, and keeps those that write a state', () => {
    const graph = new Graph();
    const x = graph.input('x', [256], 'f32');
    tanh(graph, tanh(graph, x));
    const kept = tanh(graph, x);
    graph.one('accumulate', [x, graph.state('sum', [256])]);
    const made = plan(graph, [kept]);
    expect(made.dispatches.map(({ label }) => label)).toHaveLength(3); // copy, tanh, accumulate
    expect([...made.leaves].map(({ origin }) => origin.kind).sort()).toEqual(['input', 'state']);
    expect(plan(new Graph(), []).dispatches).toEqual([]);
  });

  it('works in place where the operand dies, and copies where something reads it later', () => {
    const chain = new Graph();
    const first = chain.one('softmax', [chain.input('x', [4, 64], 'f32')]);
    const end = tanh(chain, tanh(chain, first));
    const made = plan(chain, [end]);
    expect(made.placements.get(end)).toEqual(made.placements.get(first));
    expect(made.bufferSizes).toEqual([4 * 64 * 4]);

    const fork = new Graph();
    const shared = fork.one('softmax', [fork.input('x', [4, 64], 'f32')]);
    const sum = add(fork, tanh(fork, shared), shared);
    const forked = plan(fork, [sum]);
    expect(kernels(forked).filter((kernel) => kernel === 'movement/copy')).toHaveLength(
      kernels(made).filter((kernel) => kernel === 'movement/copy').length + 1,
    );
  });

  it('does not work in place in an output, nor in a leaf', () => {
    const graph = new Graph();
    const x = graph.parameter('x', [256]);
    const kept = tanh(graph, x);
    const next = tanh(graph, kept);
    const made = plan(graph, [kept, next]);
    expect(made.placements.has(x)).toBe(false);
    const [a, b] = [made.placements.get(kept), made.placements.get(next)];
    expect(a).toBeDefined();
    expect(b).toBeDefined();
    expect(a).not.toEqual(b);
  });

  it('gives the result of an op on a state as that state', () => {
    const graph = new Graph();
    const state = graph.state('sum', [64]);
    const result = graph.one('accumulate', [graph.input('x', [64], 'f32'), state]);
    expect(plan(graph, [result]).aliases.get(result)).toBe(state);
  });

  it('labels dispatches by what they are for', () => {
    const graph = new Graph();
    const output = graph.scoped('layers.3', () =>
      graph.scoped('norm', () => graph.one('softmax', [graph.input('x', [2, 8], 'f32')])),
    );
    expect(plan(graph, [output]).dispatches.at(-1)?.label).toBe('layers.3.norm');
  });

  it('refuses a tensor that an op must bind whole and cannot, naming the op and the limit', () => {
    const graph = new Graph();
    const x = graph.input('q', [1, 64, 2, 16], 'f32');
    const [output] = graph.scoped('model.layers.0.self_attn.attention', () =>
      graph.apply('attention', [x, x, x, graph.input('keyLengths', [1], 'u32')], { causal: true, window: 0, scale: 1 }),
    );
    if (!output) throw new Error('attention has no output');
    expect(() => plan(graph, [output], { binding: 4096 })).toThrow(TensorTooLarge);
    expect(() => plan(graph, [output], { binding: 4096 })).toThrow(
      /model\.layers\.0\.self_attn\.attention works on \[1, 64, 2, 16\], 8192 bytes, .*holds 4096/,
    );
    expect(() => plan(graph, [output], { binding: 8192 })).not.toThrow();
  });

  it('refuses an activation larger than a buffer may be', () => {
    const graph = new Graph();
    const output = graph.scoped('wide', () => graph.one('softmax', [graph.input('x', [64, 64], 'f32')]));
    expect(() => plan(graph, [output], { buffer: 4096 })).toThrow(
      /wide works on \[64, 64\], 16384 bytes, and a buffer/,
    );
  });

  it('keeps every dispatch from reading a buffer that it writes, and every value until its last use', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(4), fc.nat(), fc.nat()), { minLength: 1, maxLength: 25 }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
        (steps, picks) => {
          const { graph, tensors } = randomGraph(steps);
          const outputs = picks.map((pick) => tensors[pick % tensors.length]).filter((t) => t !== undefined);
          replay(graph, plan(graph, outputs), outputs);
        },
      ),
      { numRuns: 300 },
    );
  });
});

const shape = [4, 64];
const bytes = sizeOf(shape) * 4;

/** A graph of ops that work in place and ops that do not, and of views, which reuse one another at will. Op i is labelled 'i'. */
function randomGraph(steps: readonly (readonly [number, number, number])[]): { graph: Graph; tensors: Tensor[] } {
  const graph = new Graph();
  const tensors: Tensor[] = [graph.input('x', shape, 'f32'), graph.parameter('p', shape)];
  steps.forEach(([kind, first, second]) => {
    const a = tensors[first % tensors.length];
    const b = tensors[second % tensors.length];
    if (!a || !b) return;
    const made = graph.scoped(String(graph.nodes.length), () => {
      if (kind === 0) return tanh(graph, a);
      if (kind === 1) return add(graph, a, b);
      if (kind === 2) return graph.one('softmax', [a]);
      if (kind === 3) return graph.reshape(graph.reshape(a, [8, 32]), shape);
      return graph.reshape(graph.one('transpose', [a], { permutation: [1, 0] }), shape);
    });
    tensors.push(made);
  });
  return { graph, tensors };
}

/** The binding that each kernel of the random graphs writes; all others are only read. */
const writtenBinding: Readonly<Record<string, number>> = {
  'movement/copy': 2,
  'movement/strided': 2,
  'elementwise/unary': 1,
  'elementwise/binary': 1,
  'reduce/softmax': 1,
};

/** Runs the plan over names of values instead of numbers: each op must find in each place the value that the graph means. */
function replay(graph: Graph, made: Plan, outputs: readonly Tensor[]): void {
  const memory = new Map<string, Tensor>();
  const place = (tensor: Tensor): { buffer: string; key: string } => {
    const owner = storageOf(tensor).tensor;
    const placement = made.placements.get(owner);
    if (!placement) return { buffer: `leaf ${owner.id}`, key: `leaf ${owner.id}` };
    expect(placement.offset % bytes).toBe(0);
    expect(placement.offset + bytes).toBeLessThanOrEqual(made.bufferSizes[placement.buffer] ?? 0);
    return { buffer: `arena ${placement.buffer}`, key: `${placement.buffer}:${placement.offset}` };
  };
  const contentOf = (tensor: Tensor): Tensor | undefined => {
    const owner = storageOf(tensor).tensor;
    return owner.origin.kind === 'op' ? memory.get(place(tensor).key) : owner;
  };
  for (const { kernel, bindings, label } of made.dispatches) {
    const target = bindings[writtenBinding[kernel.module] ?? NaN]?.tensor;
    if (!target) throw new Error(`say which binding ${kernel.module} writes`);
    const read = Object.values(bindings).flatMap((binding) =>
      binding && binding.tensor !== target ? [binding.tensor] : [],
    );
    for (const tensor of read)
      expect(place(tensor).buffer, `${label} reads what it writes`).not.toBe(place(target).buffer);
    if (kernel.module === 'movement/copy') {
      const [from] = read;
      const content = from && contentOf(from);
      if (!content) throw new Error('copies nothing');
      memory.set(place(target).key, content);
      continue;
    }
    const node = graph.nodes[Number(label)];
    const worksInPlace = kernel.module !== 'movement/strided';
    node?.inputs.forEach((input, i) => {
      const found = worksInPlace && i === 0 ? memory.get(place(target).key) : input && contentOf(input);
      expect(found, `${label} finds another value as operand ${i}`).toBe(input && storageOf(input).tensor);
    });
    memory.set(place(target).key, storageOf(target).tensor);
  }
  for (const output of outputs) expect(contentOf(output), 'an output was overwritten').toBe(storageOf(output).tensor);
}
