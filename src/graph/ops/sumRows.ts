import type { DispatchPlan, OpDefinition } from '../op.ts';
import { asMatrix } from '../tensor.ts';
import { flatGrid } from './grid.ts';

/** output[n] = Σ over all leading dimensions of x[..., n], in the order of the rows: the gradient of a bias. */
export const sumRows: OpDefinition = {
  name: 'sumRows',

  infer([x]) {
    if (!x) throw new Error('sumRows needs its operand');
    return [{ shape: [x.shape.at(-1) ?? 1], dtype: 'f32' }];
  },

  reference([x], node) {
    const { rows, columns } = asMatrix(node.inputs[0]?.shape ?? []);
    const sums = new Float64Array(columns);
    for (let row = 0; row < rows; row++)
      for (let n = 0; n < columns; n++) sums[n] = (sums[n] ?? 0) + (x?.[row * columns + n] ?? 0);
    return [sums];
  },

  lower(node, context) {
    const [x] = node.inputs;
    const [output] = node.outputs;
    if (!x || !output) throw new Error('sumRows needs its operand');
    const { rows, columns } = asMatrix(x.shape);
    const plans: DispatchPlan[] = [];
    const most = Math.max(64, Math.floor(context.bindingLimit / (columns * 4 * 64)) * 64);
    for (let start = 0; start < rows; start += most) {
      const count = Math.min(most, rows - start);
      plans.push({
        kernel: { module: 'reduce/sum_rows' },
        params: [count, columns, start > 0 ? 1 : 0],
        bindings: { 1: { tensor: x, offset: start * columns * 4, size: count * columns * 4 }, 2: { tensor: output } },
        grid: flatGrid(columns, 64),
        flops: count * columns,
      });
    }
    return plans;
  },
};
