import { UserError } from '../../formats/errors.ts';
import { nearest } from '../nearest.ts';
import type { MergeRule } from './taskArithmetic.ts';

/** A way of making one adapter of several. */
export interface Combination {
  /** PEFT's combination_type */
  readonly name: string;
  /** one sentence: what it does, and when to choose it */
  readonly help: string;
  /**
   * factors: A and B are merged each by itself, so that all adapters must have one rank. updates: the products B A are merged and cut
   * down to factors of a chosen rank. sides: the factors are put side by side, so that ranks add up.
   */
  readonly merges: 'factors' | 'updates' | 'sides';
  readonly rule: MergeRule;
}

const sum: MergeRule = { electsSign: false };
const ties: MergeRule = { pruning: 'magnitude', electsSign: true };
const dareLinear: MergeRule = { pruning: 'random', electsSign: false };
const dareTies: MergeRule = { pruning: 'random', electsSign: true };
const magnitudePrune: MergeRule = { pruning: 'magnitude', electsSign: false };

export const combinations: readonly Combination[] = [
  {
    name: 'cat',
    help: 'Exactly the weighted sum of what the adapters do; the ranks add up.',
    merges: 'sides',
    rule: sum,
  },
  {
    name: 'svd',
    help: 'The weighted sum, cut down to a rank: the nearest that fits it.',
    merges: 'updates',
    rule: sum,
  },
  {
    name: 'linear',
    help: 'Adds up the factors: quick, but not the sum of what the adapters do. For adapters of one training run.',
    merges: 'factors',
    rule: sum,
  },
  {
    name: 'ties',
    help: 'Keeps the largest values, elects a sign at each place and averages those that agree, so that adapters of different tasks disturb each other less.',
    merges: 'factors',
    rule: ties,
  },
  { name: 'ties_svd', help: 'As ties, on the updates themselves, cut down to a rank.', merges: 'updates', rule: ties },
  {
    name: 'dare_linear',
    help: 'Drops values at random, scales up the rest and adds up.',
    merges: 'factors',
    rule: dareLinear,
  },
  {
    name: 'dare_linear_svd',
    help: 'As dare_linear, on the updates themselves, cut down to a rank.',
    merges: 'updates',
    rule: dareLinear,
  },
  {
    name: 'dare_ties',
    help: 'Drops values at random, scales up the rest and averages those of the elected sign.',
    merges: 'factors',
    rule: dareTies,
  },
  {
    name: 'dare_ties_svd',
    help: 'As dare_ties, on the updates themselves, cut down to a rank.',
    merges: 'updates',
    rule: dareTies,
  },
  {
    name: 'magnitude_prune',
    help: 'Keeps the largest values of each adapter and adds up.',
    merges: 'factors',
    rule: magnitudePrune,
  },
  {
    name: 'magnitude_prune_svd',
    help: 'As magnitude_prune, on the updates themselves, cut down to a rank.',
    merges: 'updates',
    rule: magnitudePrune,
  },
];

/** Throws a UserError that names what is there. */
export function combinationOf(name: string): Combination {
  const found = combinations.find((combination) => combination.name === name);
  if (found) return found;
  const names = combinations.map((combination) => combination.name);
  const suggestion = nearest(name, names);
  throw new UserError(
    `combination "${name}" is not there. ${suggestion ? `Did you mean ${suggestion}? ` : ''}There are ${names.join(', ')}.`,
  );
}
