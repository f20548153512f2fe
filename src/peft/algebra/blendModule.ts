import { UserError } from '../../formats/errors.ts';
import type { FloatTensor } from '../../formats/floatTensors.ts';
import type { Combination } from './combinations.ts';
import { leadingSvd } from './leadingSvd.ts';
import { factorsOf, type Factors, type LoraModule } from './loraContent.ts';
import { matrixOf, matrixOfRows, product, rowOf, transpose, type Matrix } from './matrix.ts';
import { svdOfProduct, type Svd } from './svd.ts';
import { mergeTensors, type MergeOptions, type MergeRule } from './taskArithmetic.ts';

/** One adapter's share in a module: its factors, its weight and its scale. */
export interface Share {
  readonly name: string;
  readonly module: LoraModule;
  readonly weight: number;
  readonly scale: number;
}

/** What the adapters' shares in one module come to, as factors whose scale is one. */
export function blendModule(
  shares: readonly Share[],
  combination: Combination,
  rank: number,
  options: MergeOptions,
): LoraModule {
  const [first] = shares;
  if (!first) throw new Error('a module without a share');
  const { path, kind } = first.module;
  switch (combination.merges) {
    case 'sides':
      return { path, kind, ...concatenated(shares, rank) };
    case 'factors':
      return { path, kind, ...mergedFactors(shares, combination, options) };
    case 'updates':
      return { path, kind, ...factorsOf(svdOfMerged(shares, first.module, combination.rule, rank, options)) };
  }
}

/** A and B are merged each by itself, with the root of weight · scale on both and its sign on A. */
function mergedFactors(shares: readonly Share[], { name, rule }: Combination, options: MergeOptions): Factors {
  const [first] = shares;
  const other = shares.find(({ module }) => module.a.shape[0] !== first?.module.a.shape[0]);
  if (!first || other)
    throw new UserError(
      `${name} needs adapters of one rank, and rank_pattern gives ${first?.module.path} another one in ${other?.name}. Use cat, or a combination that ends in svd.`,
    );
  const { path, a, b } = first.module;
  const strengths = shares.map(({ weight, scale }) => weight * scale);
  const merged = (letter: 'a' | 'b', weights: readonly number[]) =>
    mergeTensors(
      `${path}.${letter}`,
      shares.map(({ module }) => module[letter].data),
      weights,
      rule,
      options,
    );
  return {
    a: {
      shape: a.shape,
      data: merged(
        'a',
        strengths.map((s) => Math.sqrt(Math.abs(s)) * (s >= 0 ? 1 : -1)),
      ),
    },
    b: {
      shape: b.shape,
      data: merged(
        'b',
        strengths.map((s) => Math.sqrt(Math.abs(s))),
      ),
    },
  };
}

/** [w₁ s₁ A₁; w₂ s₂ A₂; …] and [B₁ B₂ …], with zeros up to the rank where not every adapter changes the module. */
function concatenated(shares: readonly Share[], rank: number): Factors {
  const { a, b } = stacked(shares);
  const [inFeatures, out] = [a.columns, b.rows];
  const wide = new Float32Array(out * rank);
  for (let row = 0; row < out; row++) wide.set(rowOf(b, row), row * rank);
  const tall = new Float32Array(rank * inFeatures);
  tall.set(a.data);
  return { a: { shape: [rank, inFeatures], data: tall }, b: { shape: [out, rank], data: wide } };
}

/** A [ranks, in] with weights and scales, and B [out, ranks], whose product is the sum of the updates. */
function stacked(shares: readonly Share[]): { a: Matrix; b: Matrix } {
  const rows = shares.flatMap(({ module, weight, scale }) => {
    const a = matrixFrom(module.a);
    return Array.from({ length: a.rows }, (_, row) =>
      rowOf(a, row).map((x) => Math.fround(Math.fround(x * Math.fround(weight)) * Math.fround(scale))),
    );
  });
  const columns = shares.flatMap(({ module }) => {
    const b = transpose(matrixFrom(module.b));
    return Array.from({ length: b.rows }, (_, row) => rowOf(b, row));
  });
  return { a: matrixOfRows(rows[0]?.length ?? 0, rows), b: transpose(matrixOfRows(columns[0]?.length ?? 0, columns)) };
}

/** A plain sum is a product of the stacked factors; what picks among the values has to see them all. */
function svdOfMerged(
  shares: readonly Share[],
  { path, a, b }: LoraModule,
  rule: MergeRule,
  rank: number,
  options: MergeOptions,
): Svd {
  if (rule.pruning === undefined && !rule.electsSign) {
    const sides = stacked(shares);
    return svdOfProduct(sides.b, sides.a, rank);
  }
  const weights = shares.map(({ weight }) => weight);
  const merged = mergeTensors(path, shares.map(updateOf), weights, rule, options);
  return leadingSvd(matrixOf(b.shape[0] ?? 0, a.shape[1] ?? 0, merged), rank);
}

/** scale · B A, [out, in] */
function updateOf({ module, scale }: Share): Float32Array {
  return Float32Array.from(product(matrixFrom(module.b), matrixFrom(module.a)).data, (x) => Math.fround(x) * scale);
}

function matrixFrom({ shape, data }: FloatTensor): Matrix {
  return matrixOf(shape[0] ?? 0, shape[1] ?? 0, data);
}
