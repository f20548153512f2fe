import type { Graph } from '../../graph/graph.ts';
import type { Shape, Tensor } from '../../graph/tensor.ts';

/**
 * The longest Q, by the Frobenius norm, that constrained OFT lets stand for each of n blocks: eps / √n (OFTRotationModule._project_batch
 * of PEFT's tuners/oft/layer.py).
 */
export function longestTurn(eps: number, [blocks = 1]: Shape): number {
  return eps / Math.sqrt(blocks);
}

/**
 * The upper triangles v [n, k] of skew-symmetric blocks, those that are longer than `longest` shortened to it.
 * @param applies f32 [1]: 0 leaves all as they are
 */
export function projected(graph: Graph, v: Tensor, longest: number, applies?: Tensor): Tensor {
  const squares = graph.one('unary', [v], { operator: 'square' });
  const sum = graph.one('reduce', [squares], { operator: 'sum', axes: [1], keepDims: true });
  // both triangles of Q hold v
  const length = graph.one('unary', [graph.one('scale', [sum], { factor: 2 })], { operator: 'sqrt' });
  const counted = applies ? graph.one('binary', [length, applies], { operator: 'mul' }) : length;
  const limit = graph.one('constant', [], { shape: [1, 1], value: longest });
  const most = graph.one('binary', [counted, limit], { operator: 'max' });
  return graph.one('binary', [v, graph.one('binary', [limit, most], { operator: 'div' })], { operator: 'mul' });
}

/** The same outside the GPU. */
export function projectedNumbers(
  values: Float32Array<ArrayBuffer>,
  shape: Shape,
  longest: number,
): Float32Array<ArrayBuffer> {
  const [, width = 1] = shape;
  const result = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += width) {
    const block = values.subarray(start, start + width);
    const length = Math.sqrt(2 * block.reduce((sum, x) => sum + x * x, 0));
    const factor = longest / Math.max(longest, length);
    block.forEach((x, i) => (result[start + i] = x * factor));
  }
  return result;
}
