import type { ModuleInfo } from '../../models/family.ts';
import type { MethodFields } from '../method.ts';
import { patternValue } from '../targets.ts';
import type { EvaSettings } from './evaSettings.ts';
import { rankOf } from './scale.ts';

/** What linears that read the same have in common. */
export interface Explained {
  readonly paths: readonly string[];
  /** share of the variance that each component explains, from the largest down */
  readonly shares: ArrayLike<number>;
}

/**
 * The rank of each linear: as many directions as all ranks together, those of the largest shares. Of linears that read the same the first
 * has the highest rank.
 */
export function distributed(ranks: ReadonlyMap<string, number>, sources: readonly Explained[]): Map<string, number> {
  const budget = [...ranks.values()].reduce((sum, rank) => sum + rank, 0);
  // as PEFT lists them, which decides between equal shares: the first of each kind, then the others
  const firsts = sources.map(({ paths: [path = ''], shares }) => ({ path, shares }));
  const others = sources.flatMap(({ paths, shares }) => paths.slice(1).map((path) => ({ path, shares })));
  const directions = [...firsts, ...others].flatMap(({ path, shares }) =>
    Array.from(shares, (share) => ({ path, share })),
  );
  directions.sort((x, y) => y.share - x.share);
  const counts = new Map([...ranks.keys()].map((path) => [path, 0]));
  for (const { path } of directions.slice(0, budget)) counts.set(path, (counts.get(path) ?? 0) + 1);
  for (const { paths } of sources) highestFirst(counts, paths);
  return counts;
}

function highestFirst(counts: Map<string, number>, [first = '', ...others]: readonly string[]): void {
  for (const path of others) {
    const [rank, highest] = [counts.get(path) ?? 0, counts.get(first) ?? 0];
    if (highest < rank) counts.set(first, rank).set(path, highest);
  }
}

/**
 * The fields that say so: rank_pattern and alpha_pattern by whole paths, and target_modules without the linears that are left no rank.
 * adjust_scaling_factors keeps alpha ÷ rank what it was.
 */
export function movedRanks(
  fields: MethodFields,
  modules: readonly ModuleInfo[],
  counts: ReadonlyMap<string, number>,
  { adjust_scaling_factors: adjusts }: EvaSettings,
): MethodFields {
  const alphas = (fields['alpha_pattern'] ?? {}) as Readonly<Record<string, number>>;
  const rankPattern: Record<string, number> = {};
  const alphaPattern: Record<string, number> = {};
  const left = modules.filter(({ path }) => counts.get(path) !== 0);
  for (const { path } of left) {
    const before = rankOf(fields, path);
    const rank = counts.get(path) ?? before;
    const alpha = patternValue(alphas, path, fields['lora_alpha'] as number) * (adjusts ? rank / before : 1);
    if (rank !== fields['r']) rankPattern[path] = rank;
    if (alpha !== fields['lora_alpha']) alphaPattern[path] = alpha;
  }
  return {
    ...fields,
    rank_pattern: rankPattern,
    alpha_pattern: alphaPattern,
    ...(left.length < modules.length && { target_modules: left.map(({ path }) => path) }),
  };
}
