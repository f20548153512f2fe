import type { DispatchPlan, OpDefinition } from '../op.ts';
import { sizeOf } from '../tensor.ts';
import { flatGrid } from './grid.ts';
import { inputOf, operand, outputOf, requireShape, valuesOf } from './operands.ts';
import { rowPieces, rowsPart } from './pieces.ts';

/**
 * state[id] += Σ of dy[row] over the rows whose id it is: the gradient of an embedding's table, added where it is kept.
 *
 * Inputs: dy [..., H], ids u32 of M elements, order u32 [M] and starts u32 [M + 1] as `sortIds` gives them, state [V, H].
 * The result is the state. Rows are added in ascending order and one after another, without atomics: the same batch gives the same
 * bits, also where dy or the state is split. A table of V · H gradients is never formed for a batch.
 */
export const embeddingGradient: OpDefinition = {
  name: 'embeddingGradient',
  inPlace: { input: 4, always: true },

  infer(inputs) {
    const [dy, ids, order, starts, state] = [0, 1, 2, 3, 4].map((i) => operand('embeddingGradient', inputs, i));
    const count = sizeOf(ids?.shape ?? []);
    requireShape('embeddingGradient', 'dy', dy?.shape ?? [], [...(ids?.shape ?? []), state?.shape[1] ?? 1]);
    requireShape('embeddingGradient', 'order', order?.shape ?? [], [count]);
    requireShape('embeddingGradient', 'starts', starts?.shape ?? [], [count + 1]);
    return [{ shape: state?.shape ?? [], dtype: 'f32' }];
  },

  reference(inputs, node) {
    const width = inputOf(node, 4).shape[1] ?? 1;
    const [dy, ids, order, starts] = [0, 1, 2, 3].map((i) => valuesOf(inputs, i));
    const state = Float64Array.from(valuesOf(inputs, 4));
    const count = ids?.length ?? 0;
    for (let i = 0; i < count; i++) {
      for (let j = starts?.[i] ?? 0; j < (starts?.[i + 1] ?? 0); j++) {
        const row = order?.[j] ?? 0;
        const place = (ids?.[row] ?? 0) * width;
        for (let h = 0; h < width; h++) state[place + h] = (state[place + h] ?? 0) + (dy?.[row * width + h] ?? 0);
      }
    }
    return [state];
  },

  lower(node, context) {
    const [dy, ids, order, starts] = [0, 1, 2, 3].map((i) => inputOf(node, i));
    const state = outputOf(node, 0);
    const [rows = 1, width = 1] = state.shape;
    const count = sizeOf(ids?.shape ?? []);
    const isVector = width % 4 === 0;
    const plans: DispatchPlan[] = [];
    if (!dy || !ids || !order || !starts) return plans;
    const withinBinding = { ...context, flopsPerDispatch: Infinity };
    for (const table of rowPieces(rows, width, withinBinding))
      for (const batch of rowPieces(count, width, withinBinding)) {
        plans.push({
          kernel: { module: 'embedding/gradient', conditions: { VEC4: isVector } },
          params: [count, width, table.start, table.count, batch.start, batch.count],
          bindings: {
            1: rowsPart(dy, batch, width),
            2: { tensor: ids },
            3: { tensor: order },
            4: { tensor: starts },
            5: rowsPart(state, table, width),
          },
          grid: flatGrid((count * width) / (isVector ? 4 : 1)),
          flops: count * width,
        });
      }
    return plans;
  },
};
