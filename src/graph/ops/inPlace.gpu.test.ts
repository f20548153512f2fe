import { describe, it } from 'vitest';
import { expectClose, noise, runOnGpu, useGpu } from '../../../tests/ops/harness.ts';
import { differentiate } from '../differentiate.ts';
import { Graph } from '../graph.ts';
import { interpret, neutralStep } from '../interpret.ts';
import type { Values } from '../op.ts';
import { sizeOf, type Tensor } from '../tensor.ts';

const context = useGpu();

describe('ops in one graph', () => {
  it('work in place, in copies and through scratch as their references do, forward and backward', async () => {
    const graph = new Graph();
    const x = graph.parameter('x', [33, 130]);
    const row = graph.parameter('row', [130]);
    const column = graph.parameter('column', [33, 1]);
    const sum = graph.state('sum', [130]);
    const bent = graph.one('unary', [graph.one('scale', [x], { factor: 2 })], { operator: 'tanh' });
    const shifted = graph.one('binary', [bent, row], { operator: 'add' });
    const product = graph.one('binary', [shifted, bent], { operator: 'mul' });
    const dropped = graph.one('dropout', [graph.one('softmax', [product])], { probability: 0.25, site: 3 });
    const stretched = graph.one('binary', [column, dropped], { operator: 'mul' });
    const turned = graph.one('transpose', [stretched], { permutation: [1, 0] });
    const total = graph.one('reduce', [turned], { operator: 'mean', axes: [0, 1] });
    const rows = graph.one('reduce', [dropped], { operator: 'sum', axes: [0] });
    const kept = graph.one('accumulate', [rows, sum]);
    const seed = graph.input('seed', total.shape, 'f32');
    const gradients = differentiate(graph, [{ tensor: total, gradient: seed }]);
    const outputs = [shifted, total, kept, sum, ...[x, row, column].flatMap((leaf) => gradients.get(leaf) ?? [])];

    const values = new Map<Tensor, Values>([[seed, Float64Array.of(1)]]);
    for (const [i, leaf] of [x, row, column, sum].entries())
      values.set(leaf, Float64Array.from(noise(sizeOf(leaf.shape), i + 1), Math.fround));
    const step = { ...neutralStep, seed: 9, step: 4 };
    const expected = interpret(graph, values, step);
    const references = outputs.map(expected);
    const actual = await runOnGpu(context.gpu, graph, outputs, values, new Map(), step, {});
    references.forEach((reference, i) => expectClose(actual[i], reference, 5e-5, `output ${i}`));
  });
});
