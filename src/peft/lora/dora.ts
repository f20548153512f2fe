import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { LinearSite } from '../../models/hooks.ts';
import type { ModuleInfo } from '../../models/family.ts';
import type { InitialContext } from '../method.ts';
import { parameterTensor } from '../parameters.ts';
import { keyPrefix } from '../savedModules.ts';
import type { FactorSpecs, LowRankUpdate, MagnitudeSpecs } from './site.ts';
import { columnSquares, plusProduct, rowSquares, transposed } from './weights.ts';

/**
 * DoRA (Liu et al., arXiv 2402.09353), as PEFT 0.21's tuners/lora/dora.py defines it: W' = k ∘ (W + s B A), k = m / n, with one trained
 * magnitude m_i for each output and n_i = ‖(W + s B A)_i‖ recomputed at every step and taken as a constant (section 4.3 there).
 *
 * n needs no matrix of W's size: n_i² = ‖W_i‖² + 2 s ⟨W_i, (B A)_i⟩ + s² ‖(B A)_i‖² = ‖W_i‖² + 2 s Σ_j B_ij (A Wᵀ + s/2 · A Aᵀ Bᵀ)_ji,
 * one product of W with r rows, and the rest is of r × r and r × out.
 *
 * The magnitude starts at the norms of the weight with the update `update`, where it starts as more than nothing; `taken` is what a
 * start has taken out of the weight.
 */
export function magnitudeSpecs(
  { path, kind, inFeatures, outFeatures }: ModuleInfo,
  scale: number,
  { update, taken }: { readonly update?: FactorSpecs; readonly taken?: FactorSpecs },
): MagnitudeSpecs {
  const key = `${keyPrefix}${path}.lora_`;
  const isTable = kind === 'embedding';
  const columns = isTable ? outFeatures : inFeatures;
  const squaresOf = isTable ? columnSquares : rowSquares;
  const updated = async (weight: Float32Array, factors: FactorSpecs, by: number, context: InitialContext) => {
    const [ofA, ofB] = [await context.parameter(factors.a.name), await context.parameter(factors.b.name)];
    if (ofA.every((x) => x === 0) || ofB.every((x) => x === 0)) return weight;
    return isTable
      ? plusProduct(weight, ofA, transposed(ofB, ofB.length / outFeatures), by, columns)
      : plusProduct(weight, ofB, ofA, by, columns);
  };
  const frozen = async (context: InitialContext) => {
    const weight = await context.base(`${path}.weight`);
    return taken ? updated(weight, taken, -scale, context) : weight;
  };
  return {
    magnitude: {
      name: `${key}magnitude_vector`,
      shape: [outFeatures],
      initial: {
        kind: 'computed',
        compute: async (context) => {
          const weight = await frozen(context);
          const start = update ? await updated(weight, update, scale, context) : weight;
          return Float32Array.from(squaresOf(start, columns), Math.sqrt);
        },
      },
    },
    squares: {
      name: `${key}squares`,
      shape: [outFeatures],
      role: 'frozen',
      isInFile: false,
      initial: {
        kind: 'computed',
        compute: async (context) => Float32Array.from(squaresOf(await frozen(context), columns)),
      },
    },
  };
}

/** A linear with DoRA around it: x [.., in] → [.., out]. */
export function doraLinear(
  graph: Graph,
  update: LowRankUpdate,
  dora: MagnitudeSpecs,
  { base, product, bias }: Pick<LinearSite, 'base' | 'product' | 'bias'>,
  x: Tensor,
  dropped: Tensor,
): Tensor {
  const { a, b } = update.factors();
  const ratio = magnitudeRatio(graph, { a, b, scale: update.scale }, dora, product(a), 'nt');
  const apply = (operator: 'add' | 'sub' | 'mul', left: Tensor, right: Tensor) =>
    graph.one('binary', [left, right], { operator });
  const scaled = apply('mul', update.plus(dropped, product(dropped)), ratio);
  // with dropout PEFT has W x + b + (k − 1) ∘ W x̃ + k ∘ s B A x̃, which is W (x − x̃) + b + k ∘ (W x̃ + s B A x̃)
  if (dropped !== x) return apply('add', scaled, base(apply('sub', x, dropped)));
  return bias ? apply('add', scaled, bias) : scaled;
}

/** Rows of a table with DoRA around it; its outputs are the columns. A is [vocabulary, r]. */
export function doraTable(
  graph: Graph,
  { a, b }: FactorSpecs,
  scale: number,
  dora: MagnitudeSpecs,
  rows: Tensor,
  product: (x: Tensor) => Tensor,
): Tensor {
  const factors = { a: graph.detach(parameterTensor(graph, a)), b: graph.detach(parameterTensor(graph, b)), scale };
  const projected = product(graph.one('transpose', [factors.a], { permutation: [1, 0] }));
  return graph.one('binary', [rows, magnitudeRatio(graph, factors, dora, projected, 'tn')], { operator: 'mul' });
}

/**
 * k = m / n [out].
 * @param projected A Wᵀ [r, out]
 * @param layout of A's Gram matrix: 'nt' where A is [r, in], 'tn' where it is [vocabulary, r]
 */
function magnitudeRatio(
  graph: Graph,
  { a, b, scale }: { readonly a: Tensor; readonly b: Tensor; readonly scale: number },
  { magnitude, squares }: MagnitudeSpecs,
  projected: Tensor,
  layout: 'nt' | 'tn',
): Tensor {
  const gram = graph.one('matmul', [a, a], { layout });
  const mixed = graph.one('matmul', [gram, b, projected], { layout: 'nt', alpha: scale / 2 });
  const products = graph.one('binary', [mixed, graph.one('transpose', [b], { permutation: [1, 0] })], {
    operator: 'mul',
  });
  const crossed = graph.one('reduce', [products], { operator: 'sum', axes: [0] });
  const changed = graph.one('scale', [crossed], { factor: 2 * scale });
  const square = graph.one('binary', [changed, parameterTensor(graph, squares)], { operator: 'add' });
  const norm = graph.one('unary', [square], { operator: 'sqrt' });
  return graph.one('binary', [parameterTensor(graph, magnitude), norm], { operator: 'div' });
}
