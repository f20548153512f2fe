import type { Graph } from '../../graph/graph.ts';
import { sizeOf, type Tensor } from '../../graph/tensor.ts';
import type { Matrix } from '../algebra/matrix.ts';

/** The largest block of the op blockInverse. */
export const largestExactBlock = 256;

/** R − 1 = −2 Q (1 + Q)⁻¹ for the Cayley transform R = (1 − Q)(1 + Q)⁻¹ of skew-symmetric Q [n, b, b]. */
export function cayleyDelta(graph: Graph, q: Tensor): Tensor {
  const size = q.shape.at(-1) ?? 1;
  const one = graph.one('constant', [], { shape: [size, size], value: 1, diagonal: true });
  const inverse = graph.one('blockInverse', [graph.one('binary', [q, one], { operator: 'add' })]);
  return graph.one('matmul', [q, inverse], { layout: 'nn', alpha: -2 });
}

/**
 * x (1 + Δ) for x [.., n · b], each run of b numbers by its own block of Δ [n, b, b]; one block [1, b, b] serves all runs. Rows times
 * matrices, as PEFT rotates activations.
 */
export function rotateBlocks(graph: Graph, x: Tensor, delta: Tensor): Tensor {
  const [count = 1, size = 1] = delta.shape;
  const numbers = sizeOf(x.shape);
  if (count === 1) {
    const runs = graph.reshape(x, [numbers / size, size]);
    const rotated = graph.one('matmul', [runs, graph.reshape(delta, [size, size]), runs], { layout: 'nn' });
    return graph.reshape(rotated, x.shape);
  }
  const swap = (value: Tensor) => graph.one('transpose', [value], { permutation: [1, 0, 2] });
  const byBlock = swap(graph.reshape(x, [numbers / (count * size), count, size]));
  return graph.reshape(swap(graph.one('matmul', [byBlock, delta, byBlock], { layout: 'nn' })), x.shape);
}

/** rows · (1 + Δ)ᵀ in place, for merging: [rows, columns], the blocks of Δ along the columns and over again. */
export function rotateRows(rows: Float64Array, columns: number, delta: readonly Matrix[]): void {
  const [{ rows: size } = { rows: columns }] = delta;
  const before = new Float64Array(size);
  for (let start = 0; start < rows.length; start += size) {
    const block = delta[((start % columns) / size) % delta.length];
    before.set(rows.subarray(start, start + size));
    for (let c = 0; c < size; c++) {
      let sum = before[c] ?? 0;
      for (let k = 0; k < size; k++) sum += (before[k] ?? 0) * (block?.data[c * size + k] ?? 0);
      rows[start + c] = sum;
    }
  }
}
