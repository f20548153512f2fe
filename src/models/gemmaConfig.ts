import type { ActivationName } from '../graph/ops/activationFunctions.ts';
import { ConfigFields } from './configFields.ts';
import { readRope, type Rope } from './rotary.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a layer sees: everything before it, or a window. Each has rotary angles of its own in Gemma 3. */
export type LayerType = 'full_attention' | 'sliding_attention';

/** The figures of a Gemma or of a Gemma 3's text model. */
export interface GemmaConfig {
  readonly modelType: 'gemma' | 'gemma3_text';
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
  readonly attentionBias: boolean;
  /** what q·k is multiplied by */
  readonly attentionScale: number;
  readonly layerTypes: readonly LayerType[];
  /** tokens that a layer of sliding attention sees */
  readonly slidingWindow: number;
  readonly ropes: Readonly<Record<LayerType, Rope>>;
  readonly tieWordEmbeddings: boolean;
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId?: number;
  readonly padTokenId?: number;
}

/** Reads config.json with the defaults of GemmaConfig and Gemma3TextConfig. Throws a UserError that names the field. */
export function readGemmaConfig(json: Json): GemmaConfig {
  const fields = new ConfigFields(json);
  const isThird = json['model_type'] === 'gemma3_text';
  for (const name of ['attn_logit_softcapping', 'final_logit_softcapping']) fields.only(name, null);
  fields.only('use_bidirectional_attention', false);
  const numHiddenLayers = fields.layers(['num_hidden_layers'], isThird ? 26 : 28);
  const numAttentionHeads = fields.count(['num_attention_heads'], isThird ? 8 : 16);
  const headDim = fields.count(['head_dim'], 256);
  if (headDim % 2 !== 0) throw fields.wrong('head_dim', 'must be even, so that rotary embedding is defined for it');
  const hiddenAct = fields.activation(isThird ? 'hidden_activation' : 'hidden_act', 'gelu_pytorch_tanh');
  return {
    modelType: isThird ? 'gemma3_text' : 'gemma',
    vocabSize: fields.count(['vocab_size'], isThird ? 262208 : 256000),
    hiddenSize: fields.count(['hidden_size'], isThird ? 2304 : 3072),
    intermediateSize: fields.count(['intermediate_size'], isThird ? 9216 : 24576),
    numHiddenLayers,
    numAttentionHeads,
    numKeyValueHeads: sharedHeads(fields, numAttentionHeads, isThird ? 4 : 16),
    headDim,
    rmsNormEps: fields.positive('rms_norm_eps', 1e-6),
    maxPositionEmbeddings: fields.count(['max_position_embeddings'], isThird ? 131072 : 8192),
    // the first releases wrote "gelu" and meant its tanh form: Transformers' GemmaConfig reads it so
    hiddenAct: !isThird && hiddenAct === 'gelu' ? 'gelu_tanh' : hiddenAct,
    attentionBias: fields.flag('attention_bias', false),
    attentionScale: 1 / Math.sqrt(isThird ? fields.positive('query_pre_attn_scalar', 256) : headDim),
    layerTypes: isThird ? layerTypes(json, fields, numHiddenLayers) : Array(numHiddenLayers).fill('full_attention'),
    slidingWindow: fields.count(['sliding_window'], 4096),
    ropes: isThird ? ropesByType(json) : { full_attention: readRope(json), sliding_attention: readRope(json) },
    tieWordEmbeddings: fields.flag('tie_word_embeddings', true),
    eosTokenIds: fields.ids('eos_token_id'),
    bosTokenId: fields.ids('bos_token_id')[0],
    padTokenId: fields.ids('pad_token_id')[0],
  };
}

function sharedHeads(fields: ConfigFields, heads: number, fallback: number): number {
  const shared = fields.count(['num_key_value_heads'], fallback);
  if (heads % shared === 0) return shared;
  throw fields.wrong('num_key_value_heads', `must divide the ${heads} attention heads`);
}

/** As listed; else every sixth layer sees everything (`sliding_window_pattern`). */
function layerTypes(json: Json, fields: ConfigFields, count: number): LayerType[] {
  const listed = json['layer_types'];
  const every = fields.count(['sliding_window_pattern', '_sliding_window_pattern'], 6);
  return Array.from({ length: count }, (_, layer) => {
    if (!Array.isArray(listed)) return (layer + 1) % every === 0 ? 'full_attention' : 'sliding_attention';
    const type: unknown = listed[layer];
    if (type === 'full_attention' || type === 'sliding_attention') return type;
    throw fields.wrong('layer_types', `must name full_attention or sliding_attention for each of ${count} layers`);
  });
}

/** Transformers 5 has parameters for each type of layer; 4 had rope_theta with rope_scaling, and rope_local_base_freq. */
function ropesByType(json: Json): Record<LayerType, Rope> {
  const byType = (json['rope_parameters'] ?? {}) as Readonly<Record<LayerType, Json | undefined>>;
  const read = (type: LayerType, theta: unknown, scaling: unknown) =>
    readRope({ rope_parameters: { rope_theta: theta, ...((byType[type] ?? scaling) as Json | undefined) } });
  return {
    full_attention: read('full_attention', json['rope_theta'] ?? 1e6, json['rope_scaling'] ?? undefined),
    sliding_attention: read('sliding_attention', json['rope_local_base_freq'] ?? 1e4, undefined),
  };
}
