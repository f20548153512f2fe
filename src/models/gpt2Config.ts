import type { GgufMetadata } from '../formats/ggufMetadata.ts';
import type { ActivationName } from '../graph/ops/activationFunctions.ts';
import type { CausalConfig } from './causalConfig.ts';
import { ConfigFields } from './configFields.ts';
import { commonConfigFromGguf } from './ggufConfig.ts';

/** The figures of a GPT-2. */
export interface Gpt2Config extends CausalConfig {
  readonly innerSize: number;
  /** rows of the table of positions */
  readonly maxPositionEmbeddings: number;
  readonly layerNormEpsilon: number;
  readonly activation: ActivationName;
  /** what q·k is multiplied by */
  readonly attentionScale: (layer: number) => number;
}

/**
 * Reads config.json with the defaults of GPT2Config. `reorder_and_upcast_attn` changes nothing: scores are f32 here in any case.
 * Throws a UserError that names the field.
 */
export function readGpt2Config(json: Readonly<Record<string, unknown>>): Gpt2Config {
  const fields = new ConfigFields(json);
  fields.only('add_cross_attention', false, 'a GPT-2 has no encoder to look at here');
  const vocabSize = fields.count('vocab_size', 50257);
  const hiddenSize = fields.count(['hidden_size', 'n_embd'], 768);
  const numAttentionHeads = fields.count(['num_attention_heads', 'n_head'], 12);
  const headDim = fields.headDim(hiddenSize, numAttentionHeads);
  const scale = fields.flag('scale_attn_weights', true) ? 1 / Math.sqrt(headDim) : 1;
  const isScaledByLayer = fields.flag('scale_attn_by_inverse_layer_idx', false);
  return {
    vocabSize,
    hiddenSize,
    innerSize: fields.count('n_inner', 4 * hiddenSize),
    numHiddenLayers: fields.layers(['num_hidden_layers', 'n_layer'], 12),
    numAttentionHeads,
    headDim,
    maxPositionEmbeddings: fields.count(['max_position_embeddings', 'n_positions'], 1024),
    layerNormEpsilon: fields.epsilon('layer_norm_epsilon', 1e-5),
    activation: fields.activation('activation_function', 'gelu_new'),
    attentionScale: (layer) => (isScaledByLayer ? scale / (layer + 1) : scale),
    tieWordEmbeddings: fields.flag('tie_word_embeddings', true),
    ...fields.specialTokens(vocabSize, { eos: 50256, bos: 50256 }),
  };
}

/** A config.json from a GGUF file's metadata. */
export function gpt2ConfigFromGguf(metadata: GgufMetadata, tensorNames: ReadonlySet<string>): Record<string, unknown> {
  return {
    model_type: 'gpt2',
    ...commonConfigFromGguf(metadata, tensorNames),
    n_embd: metadata.integer('gpt2.embedding_length'),
    n_inner: metadata.integer('gpt2.feed_forward_length'),
    n_layer: metadata.integer('gpt2.block_count'),
    n_head: metadata.integer('gpt2.attention.head_count'),
    n_positions: metadata.integer('gpt2.context_length'),
    layer_norm_epsilon: metadata.number('gpt2.attention.layer_norm_epsilon'),
    activation_function: 'gelu_new',
  };
}
