import type { RankControl } from '../../graph/ops/rankControl.ts';

/** When AdaLoRA cuts ranks, in optimizer steps, and how many there are in all matrices together before and after. */
export interface Allocation {
  readonly totalStep: number;
  readonly tinit: number;
  readonly tfinal: number;
  readonly deltaT: number;
  readonly initialRanks: number;
  readonly targetRanks: number;
}

/**
 * What the allocator does after an optimizer step (from 1): RankAllocator of PEFT's tuners/adalora/layer.py. Until the last `tfinal`
 * steps the scores follow each step, and each `deltaT`-th step after `tinit` the lowest are cut; at the step before the last ones the
 * cut is final, and then only applied.
 */
export function controlAt(allocation: Allocation, step: number): RankControl {
  const { totalStep, tinit, tfinal, deltaT, initialRanks } = allocation;
  const last = totalStep - tfinal;
  const chooses = step === last || (step > tinit && step < last && step % deltaT === 0);
  const cut = step > tinit ? initialRanks - budgetAt(allocation, step) : 0;
  return { scores: step < last, chooses, masks: chooses || step > last, cut };
}

/** Ranks that may stay: from all to the target along a cubic curve. */
function budgetAt({ totalStep, tinit, tfinal, initialRanks, targetRanks }: Allocation, step: number): number {
  const left = Math.max(0, 1 - (step - tinit) / (totalStep - tfinal - tinit));
  return Math.trunc((initialRanks - targetRanks) * cube(left) + targetRanks);
}

/** x³ to the nearest double, as C's pow gives it: where the budget falls on a whole number, the last bit counts. */
function cube(x: number): number {
  let whole = x;
  let doublings = 0;
  for (; !Number.isInteger(whole); doublings++) whole *= 2;
  return Number(BigInt(whole) ** 3n) / 2 ** (3 * doublings);
}
