import type { OpDefinition } from '../op.ts';
import { sizeOf, type OpNode } from '../tensor.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { elementGrid, rowPieces, rowsPart } from './pieces.ts';

/**
 * cache[b, queryOffset + t] ← x[b, t]: x [B, T, heads, headSize] and a state [B, S, heads, headSize]; the result is the state.
 * Positions from S on are dropped. The query offset is a step parameter.
 */
export const cacheWrite: OpDefinition = {
  name: 'cacheWrite',
  inPlace: { input: 1, always: true },

  infer(inputs) {
    const x = operand('cacheWrite', inputs, 0);
    const cache = operand('cacheWrite', inputs, 1);
    if (x.shape[0] !== cache.shape[0] || sizeOf(x.shape.slice(2)) !== sizeOf(cache.shape.slice(2)))
      throw new Error(`cacheWrite cannot put [${x.shape.join(', ')}] into a cache [${cache.shape.join(', ')}]`);
    return [cache];
  },

  reference(inputs, node, step) {
    const { batch, tokens, capacity, columns } = dimensionsOf(node);
    const x = valuesOf(inputs, 0);
    const cache = valuesOf(inputs, 1).slice();
    for (let b = 0; b < batch; b++)
      for (let t = 0; t < tokens && step.queryOffset + t < capacity; t++) {
        const row = b * tokens + t;
        cache.set(x.subarray(row * columns, (row + 1) * columns), (b * capacity + step.queryOffset + t) * columns);
      }
    return [cache];
  },

  lower(node, context) {
    const { batch, tokens, capacity, columns } = dimensionsOf(node);
    return rowPieces(batch * tokens, columns, context).flatMap((read) =>
      rowPieces(batch * capacity, columns, context).map((made) => ({
        kernel: { module: 'movement/cache_write' },
        params: [read.count * columns, columns, read.start, tokens, capacity, made.start, made.count],
        bindings: { 1: rowsPart(inputOf(node, 0), read, columns), 2: rowsPart(outputOf(node, 0), made, columns) },
        grid: elementGrid(read.count * columns),
        flops: read.count * columns,
      })),
    );
  },
};

function dimensionsOf(node: OpNode): { batch: number; tokens: number; capacity: number; columns: number } {
  const [batch = 1, tokens = 1, ...row] = inputOf(node, 0).shape;
  return { batch, tokens, capacity: inputOf(node, 1).shape[1] ?? 1, columns: sizeOf(row) };
}
