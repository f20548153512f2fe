import type { DispatchPlan, OpDefinition } from '../op.ts';
import { sizeOf, storageOf } from '../tensor.ts';
import { flatGrid } from './grid.ts';
import { weightOperand } from './weightOperand.ts';

/**
 * output[i] = table[ids[i]]; inputs [ids u32 [...], table [V, H] in any format], output f32 [..., H].
 * Each shard of the table writes the rows whose ids lie in it. An id beyond the table leaves its row unwritten: the caller checks ids.
 *
 * Gradient: a table is too large for a gradient of its own, so the rule returns none but adds `embeddingGradient`, which adds the
 * batch's rows straight to the state 'gradient:NAME' of the parameter. The ids must be an input of the graph, NAME; the inputs
 * 'NAME.order' and 'NAME.starts' are what `sortIds` gives for them.
 */
export const embedding: OpDefinition = {
  name: 'embedding',

  infer([ids, table]) {
    if (!ids || !table) throw new Error('embedding needs ids and a table');
    if (ids.dtype !== 'u32' || table.shape.length !== 2) {
      throw new Error(
        `embedding: ids must be u32 and the table two-dimensional, not ${ids.dtype} and [${table.shape.join(', ')}]`,
      );
    }
    return [{ shape: [...ids.shape, table.shape[1] ?? 1], dtype: 'f32' }];
  },

  reference([ids, table], node) {
    const width = node.inputs[1]?.shape[1] ?? 1;
    const count = ids?.length ?? 0;
    const output = new Float64Array(count * width);
    for (let i = 0; i < count; i++) {
      const start = (ids?.[i] ?? 0) * width;
      output.set(table?.subarray(start, start + width) ?? [], i * width);
    }
    return [output];
  },

  gradient(graph, node, [dy], needs) {
    const [ids, table] = node.inputs;
    if (!needs[1] || !dy || !ids || table?.origin.kind !== 'parameter') return [];
    const { origin } = storageOf(ids).tensor;
    if (origin.kind !== 'input')
      throw new Error(`embedding ${node.label}: only a table that is looked up by uploaded ids can be trained`);
    const count = sizeOf(ids.shape);
    const order = graph.input(`${origin.name}.order`, [count], 'u32');
    const starts = graph.input(`${origin.name}.starts`, [count + 1], 'u32');
    graph.one('embeddingGradient', [dy, ids, order, starts, graph.state(`gradient:${table.origin.name}`, table.shape)]);
    return [];
  },

  lower(node, context) {
    const [ids, table] = node.inputs;
    const [output] = node.outputs;
    if (!ids || !table || !output) throw new Error('embedding needs ids and a table');
    const count = sizeOf(ids.shape);
    const width = table.shape[1] ?? 1;
    const weight = weightOperand(table, context);
    const isVector = width % 4 === 0;
    const elementsPerLane = weight.isPacked ? 8 : isVector ? 4 : 1;
    return weight.shards.map((shard, index): DispatchPlan => ({
      kernel: {
        module: weight.isPacked ? 'embedding/packed' : 'embedding/plain',
        conditions: weight.isPacked ? weight.decoder.conditions : { VEC4: isVector },
        plugins: weight.decoder.plugins,
      },
      params: [count, width, shard.rowStart, shard.rowCount],
      bindings: { 1: { tensor: ids }, ...weight.planes(index), 4: { tensor: output } },
      grid: flatGrid((count * width) / elementsPerLane),
      flops: count * width,
    }));
  },
};
