import { Graph } from '../../graph/graph.ts';
import { interpret, neutralStep } from '../../graph/interpret.ts';
import type { Values } from '../../graph/op.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { matrixOf, type Matrix } from '../algebra/matrix.ts';
import type { ParameterValues } from '../method.ts';

/** What ops on an adapter's parameters alone come to, in doubles: for merging, with the very formula of the graph. */
export function evaluate(
  values: ParameterValues,
  build: (graph: Graph) => Tensor,
): { shape: readonly number[]; data: Values } {
  const graph = new Graph();
  const output = build(graph);
  const leaves = new Map<Tensor, Values>();
  for (const leaf of graph.leaves())
    if (leaf.origin.kind === 'parameter')
      leaves.set(leaf, Float64Array.from(values.get(leaf.origin.name) ?? new Float32Array()));
  return { shape: output.shape, data: interpret(graph, leaves, neutralStep)(output) };
}

/** The square matrices [n, b, b] one by one. */
export function blocksOf({ shape, data }: { shape: readonly number[]; data: Values }): Matrix[] {
  const [count = 0, size = 0] = shape;
  return Array.from({ length: count }, (_, i) =>
    matrixOf(size, size, data.subarray(i * size * size, (i + 1) * size * size)),
  );
}
