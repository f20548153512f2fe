import type { GgufMetadata } from '../formats/ggufMetadata.ts';
import { ConfigFields } from './configFields.ts';
import { specialTokens } from './gpt2Config.ts';

/** The figures of a BLOOM. */
export interface BloomConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly headDim: number;
  /** the length that the model was trained on; ALiBi has no limit of its own */
  readonly maxPositionEmbeddings: number;
  readonly layerNormEpsilon: number;
  /** apply_residual_connection_post_layernorm: the residual is what the sublayer's norm gives */
  readonly normsResidual: boolean;
  readonly tieWordEmbeddings: boolean;
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId?: number;
  readonly padTokenId?: number;
}

/**
 * Reads config.json with the defaults of BloomConfig. `slow_but_exact` and `pretraining_tp` change the order of sums alone.
 * Throws a UserError that names the field.
 */
export function readBloomConfig(json: Readonly<Record<string, unknown>>): BloomConfig {
  const fields = new ConfigFields(json);
  const hiddenSize = fields.count(['n_embed', 'hidden_size'], 64);
  const numAttentionHeads = fields.count(['n_head', 'num_attention_heads'], 8);
  return {
    vocabSize: fields.count(['vocab_size'], 250880),
    hiddenSize,
    numHiddenLayers: fields.layers(['n_layer', 'num_hidden_layers'], 2),
    numAttentionHeads,
    headDim: fields.headDim(hiddenSize, numAttentionHeads),
    maxPositionEmbeddings: fields.count(['seq_length'], 2048),
    layerNormEpsilon: fields.positive('layer_norm_epsilon', 1e-5),
    normsResidual: fields.flag('apply_residual_connection_post_layernorm', false),
    tieWordEmbeddings: fields.flag('tie_word_embeddings', true),
    eosTokenIds: fields.ids('eos_token_id'),
    bosTokenId: fields.ids('bos_token_id')[0],
    padTokenId: fields.ids('pad_token_id')[0],
  };
}

/** A config.json from a GGUF file's metadata. A file that carries the head twice (older converters) has it untied. */
export function bloomConfigFromGguf(metadata: GgufMetadata, tensorNames: ReadonlySet<string>): Record<string, unknown> {
  return {
    model_type: 'bloom',
    vocab_size: metadata.strings('tokenizer.ggml.tokens').length,
    hidden_size: metadata.integer('bloom.embedding_length'),
    n_layer: metadata.integer('bloom.block_count'),
    n_head: metadata.integer('bloom.attention.head_count'),
    seq_length: metadata.integer('bloom.context_length'),
    layer_norm_epsilon: metadata.number('bloom.attention.layer_norm_epsilon'),
    apply_residual_connection_post_layernorm: false,
    tie_word_embeddings: !tensorNames.has('output.weight'),
    ...specialTokens(metadata),
  };
}
