import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { dot, identity, matrixOf, productTransposed, rowOf, zeros } from '../algebra/matrix.ts';
import { reflect, reflectionOf } from '../algebra/householder.ts';
import type { ParameterSpec } from '../method.ts';
import { parameterTensor } from '../parameters.ts';
import { randomNormals } from '../randomNumbers.ts';

/**
 * A matrix [r, d] with orthonormal rows, r < d, as torch.nn.utils.parametrizations.orthogonal keeps it for a wide weight: R = −(B H)ᵀ with
 * a fixed orthogonal B [d, d] and the first r columns H of a product of r Householder reflections, whose vectors are trained: reflection
 * i has 1 at i, zeros before it, and behind it row i of `original`. The diagonal of `original` holds −1, the sign of R; the rest is 0.
 */
export interface OrthogonalRows {
  /** [r, d] */
  readonly original: ParameterSpec;
  /** B [d, d], not trained */
  readonly base: ParameterSpec;
  /** [r, d]: 1 above the diagonal, 0 elsewhere */
  readonly above: ParameterSpec;
  /** [r, d]: 1 on the diagonal */
  readonly diagonal: ParameterSpec;
  /** [r, r]: 1 above the diagonal and ½ on it */
  readonly triangle: ParameterSpec;
}

/** @param key of the parametrised weight, in torch's names */
export function orthogonalRows(key: string, rank: number, width: number): OrthogonalRows {
  const base = `${key}.0.base`;
  return {
    original: {
      name: `${key}.original`,
      shape: [rank, width],
      initial: { kind: 'computed', compute: () => Promise.resolve(pattern(rank, width, 0, -1)) },
    },
    base: {
      name: base,
      shape: [width, width],
      role: 'frozen',
      initial: {
        kind: 'computed',
        compute: ({ seed }) => Promise.resolve(randomOrthogonal(rank, width, randomNormals(rank * width, seed, base))),
      },
    },
    above: constant(`orthogonal.above.${rank}`, rank, width, 1, 0),
    diagonal: constant(`orthogonal.diagonal.${rank}`, rank, width, 0, 1),
    triangle: constant(`orthogonal.triangle.${rank}`, rank, rank, 1, 0.5),
  };
}

/** The same numbers for all units of a rank: one parameter that is in no file. */
function constant(name: string, rows: number, columns: number, above: number, diagonal: number): ParameterSpec {
  const compute = () => Promise.resolve(pattern(rows, columns, above, diagonal));
  return { name, shape: [rows, columns], role: 'frozen', isInFile: false, initial: { kind: 'computed', compute } };
}

function pattern(rows: number, columns: number, above: number, diagonal: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return column > row ? above : column === row ? diagonal : 0;
  });
}

/** `original` as torch reads it: weight decay must not have moved the signs on the diagonal, which torch cuts to whole numbers. */
export function withSigns(original: Float32Array, width: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(original, (value, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return column > row ? value : column === row ? -1 : 0;
  });
}

/**
 * R [r, d] in a graph. The product of the reflections I − τᵢ vᵢ vᵢᵀ is I − V T Vᵀ with T⁻¹ the upper triangle of VᵀV and half its diagonal
 * (Puglisi, "Modification of the Householder method based on the compact WY representation", 1992), so that a few small products do for all.
 */
export function orthogonalMatrix(graph: Graph, { original, base, above, diagonal, triangle }: OrthogonalRows): Tensor {
  const [rank = 1] = original.shape;
  const leaf = (spec: ParameterSpec) => parameterTensor(graph, spec);
  const times = (a: Tensor, b: Tensor) => graph.one('binary', [a, b], { operator: 'mul' });
  const unit = leaf(diagonal);
  // rows of Vᵀ [r, d]
  const vectors = graph.one('binary', [times(leaf(original), leaf(above)), unit], { operator: 'add' });
  const products = graph.one('matmul', [vectors, vectors], { layout: 'nt' });
  const t = graph.one('blockInverse', [times(products, leaf(triangle))]);
  const leading = graph.one('slice', [vectors], { axis: 1, start: 0, size: rank });
  const left = graph.one('matmul', [t, leading], { layout: 'nn' });
  const reflections = graph.one('matmul', [left, vectors, unit], { layout: 'tn', alpha: -1 });
  return graph.one('matmul', [reflections, leaf(base)], { layout: 'nt', alpha: -1 });
}

/** R [r, d] of finished training, row-major. */
export function orthogonalValues(
  { original, base }: OrthogonalRows,
  values: ReadonlyMap<string, Float32Array>,
): Float32Array<ArrayBuffer> {
  const [rank = 0, width = 0] = original.shape;
  const [trained, fixed] = [original, base].map(({ name }) => values.get(name) ?? new Float32Array());
  const vectors = matrixOf(
    rank,
    width,
    (trained ?? []).map((value, i) => {
      const [row, column] = [Math.floor(i / width), i % width];
      return column > row ? value : Number(column === row);
    }),
  );
  const columns = zeros(rank, width);
  for (let column = 0; column < rank; column++) {
    const unit = rowOf(columns, column);
    unit[column] = 1;
    for (let k = rank - 1; k >= 0; k--) {
      const v = rowOf(vectors, k);
      reflect({ v, scale: 2 / dot(v, v) }, unit);
    }
  }
  const product = productTransposed(columns, matrixOf(width, width, fixed ?? []));
  return Float32Array.from(product.data, (value) => -value);
}

/** An orthogonal matrix [width, width], row-major, whose first columns span those of `normals` [rank, width]: rank reflections of the unit matrix. */
function randomOrthogonal(rank: number, width: number, normals: Float32Array): Float32Array<ArrayBuffer> {
  const work = matrixOf(rank, width, normals);
  const reflections = Array.from({ length: rank }, (_, k) => {
    const reflection = reflectionOf(rowOf(work, k).slice(k));
    for (let row = k; row < rank; row++) reflect(reflection, rowOf(work, row).subarray(k));
    return reflection;
  });
  const result = identity(width);
  // row i of the product H₁ … H_r is e_iᵀ H₁ … H_r: reflections are symmetric
  for (let row = 0; row < width; row++)
    reflections.forEach((reflection, k) => reflect(reflection, rowOf(result, row).subarray(k)));
  return Float32Array.from(result.data);
}
