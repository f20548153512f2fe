import type { GgufMetadata } from '../formats/ggufMetadata.ts';
import type { CausalConfig } from './causalConfig.ts';
import { ConfigFields } from './configFields.ts';
import { commonConfigFromGguf } from './ggufConfig.ts';

/** The figures of a BLOOM. */
export interface BloomConfig extends CausalConfig {
  /** the length that the model was trained on; ALiBi has no limit of its own */
  readonly maxPositionEmbeddings: number;
  readonly layerNormEpsilon: number;
  /** apply_residual_connection_post_layernorm: the residual is what the sublayer's norm gives */
  readonly normsResidual: boolean;
}

/** Reads config.json with the defaults of BloomConfig. Throws a UserError that names the field. */
export function readBloomConfig(json: Readonly<Record<string, unknown>>): BloomConfig {
  const fields = new ConfigFields(json);
  if (fields.count('pretraining_tp', 1) > 1)
    fields.only('slow_but_exact', false, 'Transformers leaves biases out with it where pretraining_tp is more than 1');
  const vocabSize = fields.count('vocab_size', 250880);
  const hiddenSize = fields.count(['n_embed', 'hidden_size'], 64);
  const numAttentionHeads = fields.count(['num_attention_heads', 'n_head'], 8);
  return {
    vocabSize,
    hiddenSize,
    numHiddenLayers: fields.layers(['num_hidden_layers', 'n_layer'], 2),
    numAttentionHeads,
    headDim: fields.headDim(hiddenSize, numAttentionHeads),
    maxPositionEmbeddings: fields.count('seq_length', 2048),
    layerNormEpsilon: fields.epsilon('layer_norm_epsilon', 1e-5),
    normsResidual: fields.flag('apply_residual_connection_post_layernorm', false),
    tieWordEmbeddings: fields.flag('tie_word_embeddings', true),
    ...fields.specialTokens(vocabSize, { eos: 2, bos: 1 }),
  };
}

/** A config.json from a GGUF file's metadata. */
export function bloomConfigFromGguf(metadata: GgufMetadata, tensorNames: ReadonlySet<string>): Record<string, unknown> {
  return {
    model_type: 'bloom',
    ...commonConfigFromGguf(metadata, tensorNames),
    hidden_size: metadata.integer('bloom.embedding_length'),
    n_layer: metadata.integer('bloom.block_count'),
    n_head: metadata.integer('bloom.attention.head_count'),
    seq_length: metadata.integer('bloom.context_length'),
    layer_norm_epsilon: metadata.number('bloom.attention.layer_norm_epsilon'),
    apply_residual_connection_post_layernorm: false,
  };
}
