import type { ActivationName } from '../graph/ops/activationFunctions.ts';
import type { SpecialTokenIds } from './configFields.ts';

/** What every decoder-only config tells. */
export interface CausalConfig extends SpecialTokenIds {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly headDim: number;
  readonly maxPositionEmbeddings: number;
  readonly tieWordEmbeddings: boolean;
}

/** The same of a decoder of Llama's shape: grouped queries, RMS norms and a gated MLP. */
export interface GroupedQueryConfig extends CausalConfig {
  readonly intermediateSize: number;
  readonly numKeyValueHeads: number;
  readonly rmsNormEps: number;
  readonly hiddenAct: ActivationName;
}
