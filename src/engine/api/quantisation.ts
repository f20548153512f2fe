/** How a model's weights are packed, and what quantising them saves and costs. */
import type { TaskType } from '../../models/family.ts';
import type { RunFields } from './runs.ts';

/** What a weight is there for. */
export type WeightRole = 'embedding' | 'attention' | 'mlp' | 'head' | 'norm' | 'other';

/** Weights of one role in one format, as the files hold them. */
export interface WeightGroup {
  readonly role: WeightRole;
  /** what people call it: "Q4_K", "NF4, double quantised" */
  readonly format: string;
  /** plain floats, which can be quantised */
  readonly isFloat: boolean;
  readonly tensors: number;
  /** numbers that they hold */
  readonly weights: number;
  /** with scales and zero points */
  readonly bytes: number;
}

/** Weights as the files hold them, or a format that floats are quantised to while they are loaded. */
export type WeightsName = 'stored' | 'int8' | 'nf4' | 'nf4_nested' | 'fp4' | 'fp4_nested';

/** The weights that a model computes with. */
export interface WeightsChoice {
  readonly name: WeightsName;
  /** the embedding and the head in INT8, too; false for 'stored' */
  readonly embeddings: boolean;
}

/** Bytes, or why they cannot be had. */
export type Priced = { readonly bytes: number } | { readonly reason: string };

export interface PricedWeights extends WeightsChoice {
  /** the run's fields that ask for it, every one of them with its value */
  readonly fields: RunFields;
  /** on the GPU */
  readonly memory: Priced;
  /** a copy in the library; absent where nothing is quantised */
  readonly copy?: Priced;
}

/** What quantising does to one weight. */
export interface WeightError {
  /** name of the tensor */
  readonly name: string;
  /** path of the layer that it is in, such as 'model.layers.3'; null outside of layers */
  readonly layer: string | null;
  readonly role: WeightRole;
  /** ‖quantised − stored‖ ÷ ‖stored‖, measured on a sample of the weight's rows */
  readonly relativeError: number;
}

/** What the untrained model makes of the held-out rows. */
export interface ModelQuality {
  readonly task: TaskType;
  /** mean over the targets */
  readonly loss: number;
  /** of a model that writes */
  readonly perplexity?: number;
  /** a classifier's figures by name; null for one that the rows do not define */
  readonly scores: Readonly<Record<string, number | null>>;
  readonly rows: number;
}

/** What takes time and can be stopped. */
export type QuantiseWork = 'compare' | 'measure' | 'keep';
