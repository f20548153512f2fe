import { UserError } from '../formats/errors.ts';
import type { GgufMetadata } from '../formats/ggufMetadata.ts';
import { readRope, type Rope } from './rotary.ts';

/** The figures of a Llama-shaped model, whichever of the kin it is. */
export interface LlamaConfig {
  readonly modelType: string;
  readonly architecture: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  readonly rmsNormEps: number;
  readonly maxPositionEmbeddings: number;
  readonly hiddenAct: 'silu' | 'gelu' | 'gelu_tanh' | 'relu';
  readonly rope: Rope;
  readonly tieWordEmbeddings: boolean;
  /** biases: on q, k, v; on o; on the MLP */
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  /** Qwen3: RMS norm over each head of q and k */
  readonly headNorm: boolean;
  /** 0 = none; by layer, because Qwen2 switches it on from some layer */
  readonly slidingWindow: (layer: number) => number;
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId?: number;
  readonly padTokenId?: number;
}

type Json = Readonly<Record<string, unknown>>;

const architectures: Readonly<Record<string, string>> = {
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
};

const activations: Readonly<Record<string, LlamaConfig['hiddenAct']>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  relu: 'relu',
};

/** More than any model has: a damaged file must not fill the memory with modules that are not there. */
const mostLayers = 1024;
const mostOfAny = 2 ** 31 - 1;

/** Reads config.json as Transformers 4 or 5 writes it, with the defaults of the family's configuration class. */
export function readLlamaConfig(config: Json): LlamaConfig {
  const modelType = String(config['model_type']);
  const positive = (name: string, fallback?: number): number => {
    const value = config[name] ?? fallback;
    const most = name === 'num_hidden_layers' ? mostLayers : mostOfAny;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most)
      throw wrong(name, `must be a whole number from 1 to ${most}`, config[name]);
    return value;
  };
  const flag = (name: string): boolean => {
    const value = config[name] ?? false;
    if (typeof value !== 'boolean') throw wrong(name, 'must be true or false', value);
    return value;
  };
  const rmsNormEps = config['rms_norm_eps'] ?? 1e-6;
  if (typeof rmsNormEps !== 'number' || !(rmsNormEps >= 0)) throw wrong('rms_norm_eps', 'must be a number', rmsNormEps);
  const hiddenSize = positive('hidden_size');
  const numAttentionHeads = positive('num_attention_heads');
  if (typeof config['head_dim'] !== 'number' && modelType !== 'qwen3' && hiddenSize % numAttentionHeads !== 0)
    throw new UserError(
      `config.json: hidden_size ${hiddenSize} cannot be shared among ${numAttentionHeads} attention heads. Repair the file or download it again.`,
    );
  const numKeyValueHeads = positive('num_key_value_heads', modelType === 'mistral' ? 8 : numAttentionHeads);
  const headDim = positive('head_dim', modelType === 'qwen3' ? 128 : Math.floor(hiddenSize / numAttentionHeads));
  if (numAttentionHeads % numKeyValueHeads !== 0)
    throw new UserError(
      `config.json: ${numAttentionHeads} attention heads cannot share ${numKeyValueHeads} key-value heads. Repair the file or download it again.`,
    );
  if (headDim % 2 !== 0)
    throw new UserError(`config.json: head_dim ${headDim} is odd, so rotary embedding is not defined for it.`);
  const activation = activations[String(config['hidden_act'] ?? 'silu')];
  if (!activation)
    throw new UserError(
      `config.json: hidden_act "${String(config['hidden_act'])}" is not supported; ${Object.keys(activations).join(', ')} are.`,
    );
  const isQwen2 = modelType === 'qwen2';
  const attentionBias = flag('attention_bias');
  return {
    modelType,
    architecture: architectures[modelType] ?? 'LlamaForCausalLM',
    vocabSize: positive('vocab_size'),
    hiddenSize,
    intermediateSize: positive('intermediate_size'),
    numHiddenLayers: positive('num_hidden_layers'),
    numAttentionHeads,
    numKeyValueHeads,
    headDim,
    rmsNormEps,
    maxPositionEmbeddings: positive('max_position_embeddings', 2048),
    hiddenAct: activation,
    rope: readRope(config),
    tieWordEmbeddings: flag('tie_word_embeddings'),
    qkvBias: isQwen2 || attentionBias,
    outputBias: !isQwen2 && attentionBias,
    mlpBias: flag('mlp_bias'),
    headNorm: modelType === 'qwen3',
    slidingWindow: readSlidingWindow(modelType, config),
    eosTokenIds: [config['eos_token_id']].flat().filter((id): id is number => typeof id === 'number'),
    bosTokenId: numberOrNone(config['bos_token_id']),
    padTokenId: numberOrNone(config['pad_token_id']),
  };
}

function wrong(name: string, wanted: string, value: unknown): UserError {
  return new UserError(
    `config.json: ${name} ${wanted}, not ${JSON.stringify(value)}. Repair the file or download it again.`,
  );
}

/** Mistral's holds for every layer; Qwen's only where use_sliding_window is set, and then by layer_types or from max_window_layers on. */
function readSlidingWindow(modelType: string, config: Json): (layer: number) => number {
  const classDefault = modelType === 'mistral' && !('sliding_window' in config) ? 4096 : 0;
  const window = numberOrNone(config['sliding_window']) ?? classDefault;
  const layerTypes = config['layer_types'];
  if (Array.isArray(layerTypes)) return (layer) => (layerTypes[layer] === 'sliding_attention' ? window : 0);
  if (modelType === 'mistral') return () => window;
  if (modelType === 'llama' || config['use_sliding_window'] !== true) return () => 0;
  const from = numberOrNone(config['max_window_layers']) ?? 28;
  return (layer) => (layer >= from ? window : 0);
}

function numberOrNone(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** A config.json from a GGUF file's metadata. GGUF stores no bias or tying flags: the tensors present tell. */
export function llamaConfigFromGguf(metadata: GgufMetadata, tensorNames: ReadonlySet<string>): Record<string, unknown> {
  const architecture = metadata.string('general.architecture');
  const key = (name: string) => `${architecture}.${name}`;
  const hiddenSize = metadata.integer(key('embedding_length'));
  const heads = metadata.integer(key('attention.head_count'));
  const window = metadata.has(key('attention.sliding_window'))
    ? metadata.integer(key('attention.sliding_window'))
    : undefined;
  const headDim = metadata.integer(key('attention.key_length'), Math.floor(hiddenSize / heads));
  const rotated = metadata.integer(key('rope.dimension_count'), headDim);
  if (rotated !== headDim)
    throw new UserError(
      `The GGUF file rotates ${rotated} of ${headDim} dimensions of a head, which is not supported. Use a Hugging Face folder of this model.`,
    );
  return {
    model_type: architecture === 'llama' && window !== undefined ? 'mistral' : architecture,
    vocab_size: metadata.integer(
      key('vocab_size'),
      metadata.has('tokenizer.ggml.tokens') ? metadata.strings('tokenizer.ggml.tokens').length : undefined,
    ),
    hidden_size: hiddenSize,
    intermediate_size: metadata.integer(key('feed_forward_length')),
    num_hidden_layers: metadata.integer(key('block_count')),
    num_attention_heads: heads,
    num_key_value_heads: metadata.integer(key('attention.head_count_kv'), heads),
    head_dim: headDim,
    rms_norm_eps: metadata.number(key('attention.layer_norm_rms_epsilon')),
    max_position_embeddings: metadata.integer(key('context_length')),
    rope_parameters: ropeFromGguf(metadata, key),
    hidden_act: 'silu',
    tie_word_embeddings: !tensorNames.has('output.weight'),
    attention_bias: tensorNames.has('blk.0.attn_q.bias') && architecture !== 'qwen2',
    sliding_window: window,
    eos_token_id: metadata.has('tokenizer.ggml.eos_token_id')
      ? metadata.integer('tokenizer.ggml.eos_token_id')
      : undefined,
    bos_token_id: metadata.has('tokenizer.ggml.bos_token_id')
      ? metadata.integer('tokenizer.ggml.bos_token_id')
      : undefined,
    pad_token_id: metadata.has('tokenizer.ggml.padding_token_id')
      ? metadata.integer('tokenizer.ggml.padding_token_id')
      : undefined,
  };
}

function ropeFromGguf(metadata: GgufMetadata, key: (name: string) => string): Record<string, unknown> {
  const rope_theta = metadata.number(key('rope.freq_base'), 10000);
  const type = metadata.string(key('rope.scaling.type'), 'none');
  if (type === 'none') return { rope_type: 'default', rope_theta };
  return { rope_type: type, rope_theta, factor: metadata.number(key('rope.scaling.factor'), 1) };
}
