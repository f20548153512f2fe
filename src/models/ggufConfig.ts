import { UserError } from '../formats/errors.ts';
import type { GgufMetadata } from '../formats/ggufMetadata.ts';

type Config = Record<string, unknown>;

/** The key of a name under the file's own architecture: block_count in a file of Llama's is llama.block_count. */
export function architectureKey(metadata: GgufMetadata): (name: string) => string {
  const architecture = metadata.string('general.architecture');
  return (name) => `${architecture}.${name}`;
}

/**
 * The fields of config.json that a GGUF file of any architecture tells alike. Ids that it does not name are null, so that no class's own
 * stand in for them. A head in the file means that it is not tied.
 */
export function commonConfigFromGguf(metadata: GgufMetadata, tensorNames: ReadonlySet<string>): Config {
  const tokens = 'tokenizer.ggml.tokens';
  const id = (name: string) => {
    const key = `tokenizer.ggml.${name}_token_id`;
    return metadata.has(key) ? metadata.integer(key) : null;
  };
  return {
    vocab_size: metadata.integer(
      architectureKey(metadata)('vocab_size'),
      metadata.has(tokens) ? metadata.strings(tokens).length : undefined,
    ),
    tie_word_embeddings: !tensorNames.has('output.weight'),
    eos_token_id: id('eos'),
    bos_token_id: id('bos'),
    pad_token_id: id('padding'),
  };
}

/** The same of a decoder of Llama's shape, with rotary embedding over whole heads. Throws a UserError where a part of each is rotated. */
export function rotaryConfigFromGguf(metadata: GgufMetadata, tensorNames: ReadonlySet<string>): Config {
  const key = architectureKey(metadata);
  const hiddenSize = metadata.integer(key('embedding_length'));
  const heads = metadata.integer(key('attention.head_count'));
  const headDim = metadata.integer(key('attention.key_length'), Math.floor(hiddenSize / heads));
  const rotated = metadata.integer(key('rope.dimension_count'), headDim);
  if (rotated !== headDim)
    throw new UserError(
      `The GGUF file rotates ${rotated} of ${headDim} dimensions of a head, which is not supported. Use a Hugging Face folder of this model.`,
    );
  return {
    ...commonConfigFromGguf(metadata, tensorNames),
    hidden_size: hiddenSize,
    intermediate_size: metadata.integer(key('feed_forward_length')),
    num_hidden_layers: metadata.integer(key('block_count')),
    num_attention_heads: heads,
    num_key_value_heads: metadata.integer(key('attention.head_count_kv'), heads),
    head_dim: headDim,
    rms_norm_eps: metadata.number(key('attention.layer_norm_rms_epsilon')),
    max_position_embeddings: metadata.integer(key('context_length')),
    rope_parameters: ropeFromGguf(metadata, 10000),
  };
}

/** @param theta of a file that states none */
export function ropeFromGguf(metadata: GgufMetadata, theta: number): Config {
  const key = architectureKey(metadata);
  const rope_theta = metadata.number(key('rope.freq_base'), theta);
  const type = metadata.string(key('rope.scaling.type'), 'none');
  if (type === 'none') return { rope_type: 'default', rope_theta };
  return { rope_type: type, rope_theta, factor: metadata.number(key('rope.scaling.factor'), 1) };
}
