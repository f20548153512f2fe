import type { GgufMetadata } from '../formats/ggufMetadata.ts';
import type { GroupedQueryConfig } from './causalConfig.ts';
import { ConfigFields } from './configFields.ts';
import { rotaryConfigFromGguf } from './ggufConfig.ts';
import { readRope, type Rope } from './rotary.ts';

type Kin = 'llama' | 'mistral' | 'qwen2' | 'qwen3';

/** The figures of a Llama-shaped model, whichever of the kin it is. */
export interface LlamaConfig extends GroupedQueryConfig {
  readonly modelType: Kin;
  readonly architecture: string;
  readonly rope: Rope;
  /** biases: on q, k, v; on o; on the MLP */
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  /** Qwen3: RMS norm over each head of q and k */
  readonly headNorm: boolean;
  /** 0 = none; by layer, because Qwen2 switches it on from some layer */
  readonly slidingWindow: (layer: number) => number;
}

type Json = Readonly<Record<string, unknown>>;

/** The defaults of LlamaConfig, MistralConfig, Qwen2Config and Qwen3Config. Without numKeyValueHeads: as many as heads of queries. */
interface Defaults {
  readonly architecture: string;
  readonly vocabSize: number;
  readonly intermediateSize: number;
  readonly numKeyValueHeads?: number;
  readonly headDim?: number;
  readonly maxPositionEmbeddings: number;
  readonly eos?: number;
  readonly bos?: number;
}

const qwen = { vocabSize: 151936, intermediateSize: 22016, numKeyValueHeads: 32, maxPositionEmbeddings: 32768 };
const ids = { eos: 2, bos: 1 };
const defaults: Readonly<Record<Kin, Defaults>> = {
  llama: {
    architecture: 'LlamaForCausalLM',
    vocabSize: 32000,
    intermediateSize: 11008,
    maxPositionEmbeddings: 2048,
    ...ids,
  },
  mistral: {
    architecture: 'MistralForCausalLM',
    vocabSize: 32000,
    intermediateSize: 14336,
    numKeyValueHeads: 8,
    maxPositionEmbeddings: 131072,
    ...ids,
  },
  qwen2: { architecture: 'Qwen2ForCausalLM', ...qwen },
  qwen3: { architecture: 'Qwen3ForCausalLM', ...qwen, headDim: 128 },
};

/** Reads config.json as Transformers 4 or 5 writes it, with the defaults of the kin's own class. Throws a UserError that names the field. */
export function readLlamaConfig(json: Json): LlamaConfig {
  const fields = new ConfigFields(json);
  const modelType = json['model_type'] as Kin;
  const own = defaults[modelType];
  const vocabSize = fields.count('vocab_size', own.vocabSize);
  const hiddenSize = fields.count('hidden_size', 4096);
  const numHiddenLayers = fields.layers('num_hidden_layers', 32);
  const numAttentionHeads = fields.count('num_attention_heads', 32);
  const maxPositionEmbeddings = fields.count('max_position_embeddings', own.maxPositionEmbeddings);
  const keyValueHeads = fields.isNull('num_key_value_heads') ? undefined : own.numKeyValueHeads;
  // Mistral and Qwen2 have no field for their biases
  const attentionBias = (modelType === 'llama' || modelType === 'qwen3') && fields.flag('attention_bias', false);
  return {
    modelType,
    architecture: own.architecture,
    vocabSize,
    hiddenSize,
    intermediateSize: fields.count('intermediate_size', own.intermediateSize),
    numHiddenLayers,
    numAttentionHeads,
    numKeyValueHeads: fields.keyValueHeads(numAttentionHeads, keyValueHeads ?? numAttentionHeads),
    headDim: fields.rotaryHeadDim(hiddenSize, numAttentionHeads, own.headDim),
    rmsNormEps: fields.epsilon('rms_norm_eps', 1e-6),
    maxPositionEmbeddings,
    hiddenAct: fields.activation('hidden_act', 'silu'),
    rope: readRope(json, maxPositionEmbeddings),
    tieWordEmbeddings: fields.flag('tie_word_embeddings', false),
    qkvBias: modelType === 'qwen2' || attentionBias,
    outputBias: attentionBias,
    mlpBias: modelType === 'llama' && fields.flag('mlp_bias', false),
    headNorm: modelType === 'qwen3',
    slidingWindow: readSlidingWindow(modelType, fields, numHiddenLayers),
    ...fields.specialTokens(vocabSize, own),
  };
}

/** Mistral's holds for every layer; Qwen's only where use_sliding_window is set, and then by layer_types or from max_window_layers on. */
function readSlidingWindow(modelType: Kin, fields: ConfigFields, layers: number): (layer: number) => number {
  if (modelType === 'llama') return () => 0;
  if (modelType === 'mistral') {
    const window = fields.slidingWindow(4096);
    return () => window;
  }
  const window = fields.flag('use_sliding_window', false) ? fields.slidingWindow(4096) : 0;
  const from = window > 0 ? fields.index('max_window_layers', 28) : layers;
  const types = fields.layerTypes(layers, (layer) => (layer >= from ? 'sliding_attention' : 'full_attention'));
  if (window === 0 && types.includes('sliding_attention'))
    throw fields.unsupported('layer_types', 'sliding_attention needs use_sliding_window with a sliding_window');
  return (layer) => (types[layer] === 'sliding_attention' ? window : 0);
}

/** A config.json from a GGUF file's metadata. GGUF stores no flag for biases: the tensors present tell. */
export function llamaConfigFromGguf(metadata: GgufMetadata, tensorNames: ReadonlySet<string>): Record<string, unknown> {
  const architecture = metadata.string('general.architecture');
  const windowKey = `${architecture}.attention.sliding_window`;
  const window = metadata.has(windowKey) ? metadata.integer(windowKey) : undefined;
  return {
    model_type: architecture === 'llama' && window !== undefined ? 'mistral' : architecture,
    ...rotaryConfigFromGguf(metadata, tensorNames),
    attention_bias: tensorNames.has('blk.0.attn_q.bias') && architecture !== 'qwen2',
    sliding_window: window,
  };
}
