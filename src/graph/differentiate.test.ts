import { describe, expect, it } from 'vitest';
import { noise } from '../../tests/ops/harness.ts';
import { differentiate } from './differentiate.ts';
import { Graph } from './graph.ts';
import { interpret, neutralStep } from './interpret.ts';
import type { Values } from './op.ts';
import { sizeOf, type Tensor } from './tensor.ts';

type Build = (graph: Graph) => Tensor;

/** Numbers of every leaf, by its kind and name, so that the same function traced again gets the same ones. */
function leafValues(graph: Graph, changed: ReadonlyMap<string, Values> = new Map()): Map<Tensor, Values> {
  const values = new Map<Tensor, Values>();
  for (const leaf of graph.leaves()) {
    if (!('name' in leaf.origin)) continue;
    const { name } = leaf.origin;
    const seed = [...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7);
    values.set(leaf, changed.get(name) ?? Float64Array.from(noise(sizeOf(leaf.shape), seed)));
  }
  return values;
}

function weightedSum(build: Build, changed: ReadonlyMap<string, Values>): number {
  const graph = new Graph();
  const output = build(graph);
  const result = interpret(graph, leafValues(graph, changed), neutralStep)(output);
  return noise(result.length, 99).reduce((sum, weight, i) => sum + weight * (result[i] ?? NaN), 0);
}

/** Checks every gradient of Σ w·f against central differences; returns the graph and the gradients by parameter name. */
function checkAgainstDifferences(build: Build): { graph: Graph; names: string[] } {
  const graph = new Graph();
  const output = build(graph);
  const seed = graph.input('seed', output.shape, 'f32');
  const gradients = differentiate(graph, [{ tensor: output, gradient: seed }]);
  const values = leafValues(graph).set(seed, Float64Array.from(noise(sizeOf(output.shape), 99)));
  const valueOf = interpret(graph, values, neutralStep);
  const names: string[] = [];
  for (const [parameter, gradient] of gradients) {
    if (parameter.origin.kind !== 'parameter') continue;
    const { name } = parameter.origin;
    names.push(name);
    const analytic = valueOf(gradient);
    const base = values.get(parameter) ?? new Float64Array();
    expect(analytic.length).toBe(base.length);
    const h = 1e-5;
    base.forEach((x, i) => {
      const moved = (by: number) =>
        weightedSum(build, new Map([[name, Float64Array.from(base).fill(x + by, i, i + 1)]]));
      expect(analytic[i], `${name}[${i}]`).toBeCloseTo((moved(h) - moved(-h)) / (2 * h), 6);
    });
  }
  return { graph, names };
}

describe('differentiate', () => {
  it('agrees with finite differences where a tensor is used several times, also through reshapes', () => {
    const { names } = checkAgainstDifferences((graph) => {
      const x = graph.parameter('x', [2, 3, 4]);
      const w = graph.parameter('w', [5, 4]);
      const projected = graph.one('matmul', [graph.one('unary', [x], { operator: 'tanh' }), w], { layout: 'nt' });
      const rows = graph.reshape(projected, [6, 5]);
      const scaled = graph.one('binary', [rows, graph.parameter('s', [5])], { operator: 'mul' });
      return graph.one('binary', [graph.reshape(scaled, [2, 3, 5]), projected], { operator: 'add' });
    });
    expect(names.sort()).toEqual(['s', 'w', 'x']);
  });

  it('hands one gradient to both terms of a sum, though one of them has a gradient already', () => {
    // backwards: d(sum) comes fresh from a matmul and goes to `a`, which has a gradient from `later`, and to `b`
    checkAgainstDifferences((graph) => {
      const a = graph.one('unary', [graph.parameter('x', [3, 4])], { operator: 'tanh' });
      const b = graph.parameter('b', [3, 4]);
      const sum = graph.one('binary', [a, b], { operator: 'add' });
      const product = graph.one('matmul', [sum, graph.weight('w', [4, 4], 'f32')], { layout: 'nn' });
      const later = graph.one('unary', [a], { operator: 'tanh' });
      return graph.one('binary', [product, later], { operator: 'add' });
    });
  });

  it('lets a matmul take the gradient that is there already as its addend', () => {
    const { graph } = checkAgainstDifferences((g) => {
      const x = g.one('unary', [g.parameter('x', [3, 4])], { operator: 'tanh' });
      const one = g.one('matmul', [x, g.weight('u', [5, 4], 'f32')], { layout: 'nt' });
      const two = g.one('matmul', [x, g.weight('v', [5, 4], 'f32')], { layout: 'nt' });
      return g.one('binary', [one, two], { operator: 'mul' });
    });
    expect(graph.nodes.filter(({ op, inputs }) => op === 'matmul' && inputs[2])).toHaveLength(1);
  });

  it('adds ops only along paths to what is trained', () => {
    const graph = new Graph();
    const ids = graph.input('ids', [4], 'u32');
    const embedded = graph.one('embedding', [ids, graph.weight('table', [8, 6], 'f32')]);
    const below = graph.one('matmul', [embedded, graph.weight('frozen', [6, 6], 'f32')], { layout: 'nt' });
    const trained = graph.one('matmul', [below, graph.parameter('trained', [6, 6])], { layout: 'nt' });
    const aside = graph.one('matmul', [below, graph.parameter('aside', [6, 6], false)], { layout: 'nt' });
    const output = graph.one('binary', [trained, aside], { operator: 'add' });
    const forward = graph.nodes.length;
    const seed = graph.input('seed', output.shape, 'f32');
    const gradients = differentiate(graph, [{ tensor: output, gradient: seed }]);
    expect([...gradients.keys()].map(({ origin }) => 'name' in origin && origin.name)).toEqual(['trained']);
    // one matmul: dW of the one parameter that is trained; no dx, because nothing below is
    expect(graph.nodes.slice(forward).map(({ op }) => op)).toEqual(['matmul']);
  });

  it('gives the gradient of an inner tensor that is asked for, and goes no further', () => {
    const graph = new Graph();
    const x = graph.parameter('x', [3, 4]);
    const inner = graph.one('unary', [x], { operator: 'tanh' });
    const from = graph.nodes.length;
    const output = graph.one('unary', [inner], { operator: 'tanh' });
    const seed = graph.input('seed', output.shape, 'f32');
    const gradients = differentiate(graph, [{ tensor: output, gradient: seed }], { from, withRespectTo: [inner] });
    expect([...gradients.keys()]).toEqual([inner]);
  });

  it('names an op that has no gradient', () => {
    const graph = new Graph();
    const output = graph.scoped('router', () =>
      graph.one('topKMask', [graph.parameter('x', [8]), graph.input('keep', [1], 'u32')]),
    );
    const seed = graph.input('seed', output.shape, 'f32');
    expect(() => differentiate(graph, [{ tensor: output, gradient: seed }])).toThrow(
      /topKMask \(router\) has no gradient/,
    );
  });

  it('refuses the gradient of a part of a tensor that is seen through a view', () => {
    const graph = new Graph();
    const part = graph.view(graph.parameter('x', [128]), [64], 64);
    const output = graph.one('unary', [part], { operator: 'tanh' });
    const seed = graph.input('seed', output.shape, 'f32');
    expect(() => differentiate(graph, [{ tensor: output, gradient: seed }])).toThrow('use slice');
  });

  it('lets no gradient through what is detached, also where it is recomputed', () => {
    const { names } = checkAgainstDifferences((graph) => {
      const [w, x] = [graph.parameter('w', [4]), graph.input('x', [4], 'f32')];
      const frozen = graph.segment(() => graph.one('unary', [graph.input('x', [4], 'f32')], { operator: 'exp' }));
      return graph.one('binary', [graph.one('binary', [w, graph.detach(frozen)], { operator: 'mul' }), x], {
        operator: 'mul',
      });
    });
    expect(names).toEqual(['w']);
    const graph = new Graph();
    const w = graph.parameter('w', [4]);
    const squared = graph.segment(() => graph.one('binary', [w, graph.detach(w)], { operator: 'mul' }));
    const [gradient] = differentiate(graph, [{ tensor: squared, gradient: graph.input('seed', [4], 'f32') }]).values();
    const values = leafValues(graph);
    const valueOf = interpret(graph, values, neutralStep);
    const [ofW, seed] = [w, graph.input('seed', [4], 'f32')].map((leaf) => values.get(leaf) ?? []);
    expect(gradient && [...valueOf(gradient)]).toEqual([...(ofW ?? [])].map((value, i) => value * (seed?.[i] ?? 0)));
  });
});
