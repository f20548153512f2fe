import type { OpDefinition } from '../op.ts';
import { sameShape, type OpNode, type Shape, type Tensor } from '../tensor.ts';
import { lowerMatmul } from './matmulLower.ts';
import { matmulShape, type MatmulLayout } from './matmulShape.ts';

function shapesOf(node: OpNode): { a: Shape; b: Shape } {
  const [a, b] = node.inputs;
  if (!a || !b) throw new Error('matmul needs two operands');
  return { a: a.shape, b: b.shape };
}

/**
 * output = alpha · product + addend + bias; inputs [a, b, addend?, bias?], f32.
 *
 * layout nt: a [..., M, K] · b [..., N, K]ᵀ; nn: a [..., M, K] · b [..., K, N]; tn: a [..., K, M]ᵀ · b [..., K, N]; all → [..., M, N].
 * A two-dimensional b serves all leading dimensions of a (nt, nn); tn with `flatten: true` reduces over the leading dimensions too
 * and gives [M, N]: with a = dy and b = x it is a linear's dW. Otherwise leading dimensions are equal and batched.
 * The addend has the output's shape, the bias is [N]. b may be a weight in any format, in shards of rows, for nt and nn.
 * Gradient: nt: da = dy·b, db = dyᵀ·a; nn: da = dy·bᵀ, db = aᵀ·dy; tn: da = b·dyᵀ, db = a·dy; all times alpha.
 */
export const matmul: OpDefinition = {
  name: 'matmul',
  inPlace: { input: 2 },

  infer([a, b, addend, bias], attributes) {
    if (!a || !b) throw new Error('matmul needs two operands');
    const shape = matmulShape(a.shape, b.shape, attributes);
    if (addend && !sameShape(addend.shape, shape.output)) {
      throw new Error(`matmul: the addend is [${addend.shape.join(', ')}], the output [${shape.output.join(', ')}]`);
    }
    if (bias && !sameShape(bias.shape, [shape.columns])) {
      throw new Error(`matmul: the bias is [${bias.shape.join(', ')}], the output has ${shape.columns} columns`);
    }
    return [{ shape: shape.output, dtype: 'f32' }];
  },

  reference([a, b, addend, bias], node) {
    if (!a || !b) throw new Error('matmul needs two operands');
    const shapes = shapesOf(node);
    const { layout, alpha, batches, rows, columns, depth } = matmulShape(shapes.a, shapes.b, node.attributes);
    const [aRow, aStep] = layout === 'tn' ? [1, rows] : [depth, 1];
    const [bColumn, bStep] = layout === 'nt' ? [depth, 1] : [1, columns];
    const output = new Float64Array(batches * rows * columns);
    for (let batch = 0; batch < batches; batch++)
      for (let m = 0; m < rows; m++)
        for (let n = 0; n < columns; n++) {
          const aStart = batch * rows * depth + m * aRow;
          const bStart = batch * columns * depth + n * bColumn;
          let sum = 0;
          for (let k = 0; k < depth; k++) sum += (a[aStart + k * aStep] ?? 0) * (b[bStart + k * bStep] ?? 0);
          const at = (batch * rows + m) * columns + n;
          output[at] = alpha * sum + (addend?.[at] ?? 0) + (bias?.[n] ?? 0);
        }
    return [output];
  },

  gradient(graph, node, [dy], needs) {
    const [a, b] = node.inputs;
    if (!a || !b || !dy) return [];
    const { alpha, layout } = matmulShape(a.shape, b.shape, node.attributes);
    const product = (of: MatmulLayout, x: Tensor, y: Tensor, flatten = false) =>
      graph.one('matmul', [x, y], { layout: of, alpha, ...(flatten && { flatten }) });
    // one b serves all leading dimensions of a, so its gradient sums over them
    const flatten = b.shape.length === 2;
    const gradientOfA = {
      nt: () => product('nn', dy, b),
      nn: () => product('nt', dy, b),
      tn: () => product('nt', b, dy),
    };
    const gradientOfB = {
      nt: () => product('tn', dy, a, flatten),
      nn: () => product('tn', a, dy, flatten),
      tn: () => product('nn', a, dy),
    };
    return [
      needs[0] ? gradientOfA[layout]() : undefined,
      needs[1] ? gradientOfB[layout]() : undefined,
      needs[2] ? dy : undefined,
      needs[3] ? graph.one('sumRows', [dy]) : undefined,
    ];
  },

  lower: lowerMatmul,
};
