import type { GgufMetadata } from '../formats/ggufMetadata.ts';
import type { ActivationName } from '../graph/ops/activationFunctions.ts';
import { ConfigFields, type LayerType, type SpecialTokenIds } from './configFields.ts';
import { architectureKey, ropeFromGguf, rotaryConfigFromGguf } from './ggufConfig.ts';
import { readRope, type Rope } from './rotary.ts';

type Json = Readonly<Record<string, unknown>>;

/** The figures of a Gemma or of a Gemma 3's text model. */
export interface GemmaConfig extends SpecialTokenIds {
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
  /** each type of layer has rotary angles of its own in Gemma 3 */
  readonly ropes: Readonly<Record<LayerType, Rope>>;
  readonly tieWordEmbeddings: boolean;
}

/** Reads config.json with the defaults of GemmaConfig and Gemma3TextConfig. Throws a UserError that names the field. */
export function readGemmaConfig(json: Json): GemmaConfig {
  const fields = new ConfigFields(json);
  const isThird = json['model_type'] === 'gemma3_text';
  for (const name of ['attn_logit_softcapping', 'final_logit_softcapping'])
    fields.only(name, null, 'scores and logits are not capped here');
  fields.only('use_bidirectional_attention', false, 'a token sees what is before it here');
  const vocabSize = fields.count('vocab_size', isThird ? 262208 : 256000);
  const hiddenSize = fields.count('hidden_size', isThird ? 2304 : 3072);
  const numHiddenLayers = fields.layers('num_hidden_layers', isThird ? 26 : 28);
  const numAttentionHeads = fields.count('num_attention_heads', isThird ? 8 : 16);
  const headDim = fields.rotaryHeadDim(hiddenSize, numAttentionHeads, 256);
  const hiddenAct = fields.activation(isThird ? 'hidden_activation' : 'hidden_act', 'gelu_pytorch_tanh');
  const pattern = fields.count(['sliding_window_pattern', '_sliding_window_pattern'], 6);
  return {
    modelType: isThird ? 'gemma3_text' : 'gemma',
    vocabSize,
    hiddenSize,
    intermediateSize: fields.count('intermediate_size', isThird ? 9216 : 24576),
    numHiddenLayers,
    numAttentionHeads,
    numKeyValueHeads: fields.keyValueHeads(numAttentionHeads, isThird ? 4 : 16),
    headDim,
    rmsNormEps: fields.epsilon('rms_norm_eps', 1e-6),
    maxPositionEmbeddings: fields.count('max_position_embeddings', isThird ? 131072 : 8192),
    // the first releases wrote "gelu" and meant its tanh form: Transformers' GemmaConfig reads it so
    hiddenAct: !isThird && hiddenAct === 'gelu' ? 'gelu_tanh' : hiddenAct,
    attentionBias: fields.flag('attention_bias', false),
    attentionScale: 1 / Math.sqrt(isThird ? fields.positive('query_pre_attn_scalar', 256) : headDim),
    layerTypes: isThird
      ? fields.layerTypes(numHiddenLayers, (i) => typeOfLayer(i, pattern))
      : Array(numHiddenLayers).fill('full_attention'),
    slidingWindow: fields.count('sliding_window', 4096),
    ropes: isThird ? ropesByType(json) : { full_attention: readRope(json), sliding_attention: readRope(json) },
    tieWordEmbeddings: fields.flag('tie_word_embeddings', true),
    ...fields.specialTokens(vocabSize, { eos: 1, bos: 2, pad: 0 }),
  };
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

/** A config.json from a GGUF file's metadata, which leaves out what all releases of Gemma 3 share, as llama.cpp fills it in. */
export function gemmaConfigFromGguf(metadata: GgufMetadata, tensorNames: ReadonlySet<string>): Record<string, unknown> {
  const config = rotaryConfigFromGguf(metadata, tensorNames);
  if (metadata.string('general.architecture') === 'gemma') return { model_type: 'gemma', ...config };
  const key = architectureKey(metadata);
  const layers = metadata.integer(key('block_count'));
  const pattern = metadata.integer(key('attention.sliding_window_pattern'), 6);
  const capKey = key('final_logit_softcapping');
  // the one release of 62 layers, of 27 billion parameters, is the one whose scale is not that of all others
  const scalar = layers === 62 ? Number(config['hidden_size']) / Number(config['num_attention_heads']) : 256;
  return {
    model_type: 'gemma3_text',
    ...config,
    query_pre_attn_scalar: scalar,
    sliding_window: metadata.integer(key('attention.sliding_window'), 4096),
    layer_types: Array.from({ length: layers }, (_, layer) => typeOfLayer(layer, pattern)),
    final_logit_softcapping: metadata.has(capKey) ? metadata.number(capKey) : null,
    rope_parameters: {
      full_attention: ropeFromGguf(metadata, 1e6),
      sliding_attention: { rope_type: 'default', rope_theta: metadata.number(key('rope.freq_base_swa'), 1e4) },
    },
  };
}

/** The last of each `pattern` layers sees everything. */
function typeOfLayer(layer: number, pattern: number): LayerType {
  return (layer + 1) % pattern === 0 ? 'full_attention' : 'sliding_attention';
}
