import type { ActivationName } from '../graph/ops/activationFunctions.ts';
import { ConfigFields } from './configFields.ts';
import { readRope, type Rope } from './rotary.ts';

/** The figures of a Phi-3. */
export interface Phi3Config {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  readonly rmsNormEps: number;
  readonly maxPositionEmbeddings: number;
  readonly hiddenAct: ActivationName;
  readonly rope: Rope;
  /** tokens that a query sees; 0: all before it */
  readonly slidingWindow: number;
  readonly tieWordEmbeddings: boolean;
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId?: number;
  readonly padTokenId?: number;
}

/** Reads config.json with the defaults of Phi3Config. Throws a UserError that names the field, also for the long context's "longrope". */
export function readPhi3Config(json: Readonly<Record<string, unknown>>): Phi3Config {
  const fields = new ConfigFields(json);
  const hiddenSize = fields.count(['hidden_size'], 3072);
  const numAttentionHeads = fields.count(['num_attention_heads'], 32);
  const numKeyValueHeads = fields.count(['num_key_value_heads'], numAttentionHeads);
  if (numAttentionHeads % numKeyValueHeads !== 0)
    throw fields.wrong('num_key_value_heads', `must divide the ${numAttentionHeads} attention heads`);
  const headDim = fields.headDim(hiddenSize, numAttentionHeads);
  if (headDim % 2 !== 0)
    throw fields.wrong('hidden_size', `must be shared among ${numAttentionHeads} heads of an even size`);
  return {
    vocabSize: fields.count(['vocab_size'], 32064),
    hiddenSize,
    intermediateSize: fields.count(['intermediate_size'], 8192),
    numHiddenLayers: fields.layers(['num_hidden_layers'], 32),
    numAttentionHeads,
    numKeyValueHeads,
    headDim,
    rmsNormEps: fields.positive('rms_norm_eps', 1e-5),
    maxPositionEmbeddings: fields.count(['max_position_embeddings'], 4096),
    hiddenAct: fields.activation('hidden_act', 'silu'),
    rope: readRope(json),
    slidingWindow: (json['sliding_window'] ?? null) === null ? 0 : fields.count(['sliding_window']),
    tieWordEmbeddings: fields.flag('tie_word_embeddings', false),
    eosTokenIds: fields.ids('eos_token_id'),
    bosTokenId: fields.ids('bos_token_id')[0],
    padTokenId: fields.ids('pad_token_id')[0],
  };
}
