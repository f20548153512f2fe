/** Adapters of the library, and what is made of them. */

import type { WeightsChoice } from './quantisation.ts';

export interface AdapterSummary {
  readonly id: string;
  readonly name: string;
  readonly peftType: string;
  readonly baseModel: string;
  readonly bytes: number;
  readonly parameters: number;
  readonly createdAt: number;
  readonly runId?: string;
  /** the weights that it was trained on, where that is known: it is only good on them */
  readonly weights?: WeightsChoice;
}

/** A way of making one LoRA adapter of several, for the form that offers it. */
export interface CombinationDescription {
  /** PEFT's combination_type */
  readonly name: string;
  readonly help: string;
  /** equal: all adapters must have one rank; chosen: svdRank; sum: the ranks add up */
  readonly rank: 'equal' | 'chosen' | 'sum';
  readonly needsDensity: boolean;
  /** majoritySignMethod matters */
  readonly electsSign: boolean;
  /** seed matters */
  readonly isRandom: boolean;
}

export interface BlendOptions {
  readonly combination: string;
  /** share of the values that pruning keeps, above 0 and up to 1 */
  readonly density?: number;
  readonly majoritySignMethod?: 'total' | 'frequency';
  /** the highest rank of the adapters if not given */
  readonly svdRank?: number;
  readonly seed?: number;
  /** of the new adapter; said by what it is made of if not given */
  readonly name?: string;
}

/** Rank of a LoRA that stands for another adapter, or the share of each layer's change (its energy) that it is to keep: above 0, up to 1. */
export type KeptRank = { readonly rank: number } | { readonly share: number };

export interface ConvertedAdapter {
  readonly adapter: AdapterSummary;
  /** share of the change ‖ΔW‖² that is kept, of all layers together and by module path */
  readonly energy: number;
  readonly energyByModule: Readonly<Record<string, number>>;
}
