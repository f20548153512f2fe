import type { GgufMetadata } from '../formats/ggufMetadata.ts';
import type { GroupedQueryConfig } from './causalConfig.ts';
import { ConfigFields, type LayerType } from './configFields.ts';
import { architectureKey, ropeFromGguf, rotaryConfigFromGguf } from './ggufConfig.ts';
import { readRope, type Rope } from './rotary.ts';

type Json = Readonly<Record<string, unknown>>;

type Generation = 'gemma' | 'gemma2' | 'gemma3_text';

/** The figures of a Gemma, a Gemma 2 or a Gemma 3's text model. */
export interface GemmaConfig extends GroupedQueryConfig {
  readonly modelType: Generation;
  readonly attentionBias: boolean;
  /** what q·k is multiplied by */
  readonly attentionScale: number;
  /** scores are capped to ± this by a tanh; 0 = not at all */
  readonly attentionCap: number;
  /** the same of the language model's logits */
  readonly logitCap?: number;
  readonly layerTypes: readonly LayerType[];
  /** tokens that a layer of sliding attention sees */
  readonly slidingWindow: number;
  /** each type of layer has rotary angles of its own in Gemma 3 */
  readonly ropes: Readonly<Record<LayerType, Rope>>;
}

/** The defaults of GemmaConfig, Gemma2Config and Gemma3TextConfig. */
const defaults = {
  gemma: {
    vocabSize: 256000,
    hiddenSize: 3072,
    intermediateSize: 24576,
    numHiddenLayers: 28,
    numAttentionHeads: 16,
    numKeyValueHeads: 16,
    maxPositionEmbeddings: 8192,
    pattern: 1,
  },
  gemma2: {
    vocabSize: 256000,
    hiddenSize: 2304,
    intermediateSize: 9216,
    numHiddenLayers: 26,
    numAttentionHeads: 8,
    numKeyValueHeads: 4,
    maxPositionEmbeddings: 8192,
    pattern: 2,
  },
  gemma3_text: {
    vocabSize: 262208,
    hiddenSize: 2304,
    intermediateSize: 9216,
    numHiddenLayers: 26,
    numAttentionHeads: 8,
    numKeyValueHeads: 4,
    maxPositionEmbeddings: 131072,
    pattern: 6,
  },
} as const;

/** Reads config.json with the defaults of its generation's class. Throws a UserError that names the field. */
export function readGemmaConfig(json: Json): GemmaConfig {
  const fields = new ConfigFields(json);
  const modelType = json['model_type'] as Generation;
  const own = defaults[modelType];
  const isFirst = modelType === 'gemma';
  if (modelType !== 'gemma2') fields.only('attn_logit_softcapping', null, 'Gemma 2 alone caps its scores');
  fields.only('use_bidirectional_attention', false, 'a token sees what is before it here');
  const vocabSize = fields.count('vocab_size', own.vocabSize);
  const hiddenSize = fields.count('hidden_size', own.hiddenSize);
  const numHiddenLayers = fields.layers('num_hidden_layers', own.numHiddenLayers);
  const numAttentionHeads = fields.count('num_attention_heads', own.numAttentionHeads);
  const headDim = fields.rotaryHeadDim(hiddenSize, numAttentionHeads, 256);
  const maxPositionEmbeddings = fields.count('max_position_embeddings', own.maxPositionEmbeddings);
  const hiddenAct = fields.activation(isFirst ? 'hidden_act' : 'hidden_activation', 'gelu_pytorch_tanh');
  const pattern =
    modelType === 'gemma3_text'
      ? fields.count(['sliding_window_pattern', '_sliding_window_pattern'], own.pattern)
      : own.pattern;
  return {
    modelType,
    vocabSize,
    hiddenSize,
    intermediateSize: fields.count('intermediate_size', own.intermediateSize),
    numHiddenLayers,
    numAttentionHeads,
    numKeyValueHeads: fields.keyValueHeads(numAttentionHeads, own.numKeyValueHeads),
    headDim,
    rmsNormEps: fields.epsilon('rms_norm_eps', 1e-6),
    maxPositionEmbeddings,
    // the first releases wrote "gelu" and meant its tanh form: Transformers' GemmaConfig reads it so
    hiddenAct: isFirst && hiddenAct === 'gelu' ? 'gelu_tanh' : hiddenAct,
    attentionBias: fields.flag('attention_bias', false),
    attentionScale: 1 / Math.sqrt(isFirst ? headDim : fields.positive('query_pre_attn_scalar', 256)),
    attentionCap: modelType === 'gemma2' ? (fields.positiveOrNull('attn_logit_softcapping', 50) ?? 0) : 0,
    logitCap: isFirst
      ? undefined
      : fields.positiveOrNull('final_logit_softcapping', modelType === 'gemma2' ? 30 : null),
    layerTypes: isFirst
      ? Array(numHiddenLayers).fill('full_attention')
      : fields.layerTypes(numHiddenLayers, (i) => typeOfLayer(i, pattern)),
    slidingWindow: fields.count('sliding_window', 4096),
    ropes:
      modelType === 'gemma3_text'
        ? ropesByType(json, maxPositionEmbeddings)
        : ropeOfAll(readRope(json, maxPositionEmbeddings)),
    tieWordEmbeddings: fields.flag('tie_word_embeddings', true),
    ...fields.specialTokens(vocabSize, { eos: 1, bos: 2, pad: 0 }),
  };
}

function ropeOfAll(rope: Rope): Record<LayerType, Rope> {
  return { full_attention: rope, sliding_attention: rope };
}

/**
 * Transformers 5 has parameters for each type of layer; 4 had rope_theta with rope_scaling, and rope_local_base_freq. As
 * Gemma3TextConfig.convert_rope_params_to_dict joins the two: what rope_scaling states replaces what full_attention states, field by field,
 * and a kind that it calls `type` counts for nothing beside a rope_type, which is "default" where full_attention is not there.
 */
function ropesByType(json: Json, maxPositionEmbeddings: number): Record<LayerType, Rope> {
  const plain = { rope_type: 'default' };
  const byType = (json['rope_parameters'] ?? {}) as Readonly<Record<LayerType, Json | null | undefined>>;
  const read = (theta: unknown, stated: object) =>
    readRope({ rope_parameters: { rope_theta: theta, ...stated } }, maxPositionEmbeddings);
  return {
    full_attention: read(json['rope_theta'] ?? 1e6, {
      ...(byType.full_attention ?? plain),
      ...(json['rope_scaling'] as Json | null | undefined),
    }),
    sliding_attention: read(json['rope_local_base_freq'] ?? 1e4, byType.sliding_attention ?? plain),
  };
}

/** Layers of the one release of a generation whose scale is by hidden_size / num_attention_heads; that of all others is by 256. */
const layersOfOddScale = { gemma2: 46, gemma3_text: 62 } as const;

/** A config.json from a GGUF file's metadata, which leaves out what all releases of a generation share, as llama.cpp fills it in. */
export function gemmaConfigFromGguf(metadata: GgufMetadata, tensorNames: ReadonlySet<string>): Record<string, unknown> {
  const config = rotaryConfigFromGguf(metadata, tensorNames);
  const architecture = metadata.string('general.architecture');
  if (architecture === 'gemma') return { model_type: 'gemma', ...config };
  const modelType = architecture === 'gemma2' ? 'gemma2' : 'gemma3_text';
  const key = architectureKey(metadata);
  const layers = metadata.integer(key('block_count'));
  const pattern = metadata.integer(key('attention.sliding_window_pattern'), defaults[modelType].pattern);
  const width = Number(config['hidden_size']) / Number(config['num_attention_heads']);
  const cap = (name: string) => (metadata.has(key(name)) ? metadata.number(key(name)) : null);
  const whole = ropeFromGguf(metadata, modelType === 'gemma2' ? 1e4 : 1e6);
  const windowed = { rope_type: 'default', rope_theta: metadata.number(key('rope.freq_base_swa'), 1e4) };
  return {
    model_type: modelType,
    ...config,
    query_pre_attn_scalar: layers === layersOfOddScale[modelType] ? width : 256,
    sliding_window: metadata.integer(key('attention.sliding_window'), 4096),
    layer_types: Array.from({ length: layers }, (_, layer) => typeOfLayer(layer, pattern)),
    attn_logit_softcapping: cap('attn_logit_softcapping'),
    final_logit_softcapping: cap('final_logit_softcapping'),
    rope_parameters: modelType === 'gemma2' ? whole : { full_attention: whole, sliding_attention: windowed },
  };
}

/** The last of each `pattern` layers sees everything. */
function typeOfLayer(layer: number, pattern: number): LayerType {
  return (layer + 1) % pattern === 0 ? 'full_attention' : 'sliding_attention';
}
