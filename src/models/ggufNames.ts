import type { GgufMetadata } from '../formats/ggufMetadata.ts';

/** Where a family keeps the tensors that llama.cpp's files name otherwise. */
export interface GgufNames {
  /** GGUF's names outside the layers, such as token_embd, and the paths of those modules */
  readonly outside: Readonly<Record<string, string>>;
  /** path of the layers, such as model.layers */
  readonly layers: string;
  /** GGUF's names behind blk.N, such as attn_q, and paths within a layer */
  readonly inside: Readonly<Record<string, string>>;
}

export interface GgufName {
  /** GGUF's name of the module, without its layer */
  readonly stored: string;
  /** Transformers' name of the tensor */
  readonly name: string;
}

/** Transformers' name of a GGUF tensor; undefined where the family has none such. */
export function nameFromGguf(tensor: string, { outside, layers, inside }: GgufNames): GgufName | undefined {
  const [, layer, stored = '', kind = ''] = /^(?:blk\.(\d+)\.)?([a-z_]+)\.(weight|bias)$/.exec(tensor) ?? [];
  const [names, path] = layer === undefined ? [outside, ''] : [inside, `${layers}.${layer}.`];
  return Object.hasOwn(names, stored) ? { stored, name: `${path}${names[stored] ?? ''}.${kind}` } : undefined;
}

/**
 * The fields of config.json that a GGUF file of any architecture tells alike. Ids that it does not name are null, so that no class's own
 * stand in for them. A head in the file means that it is not tied.
 */
export function commonConfigFromGguf(
  metadata: GgufMetadata,
  tensorNames: ReadonlySet<string>,
): Record<string, unknown> {
  const architecture = metadata.string('general.architecture');
  const tokens = 'tokenizer.ggml.tokens';
  const id = (name: string) => {
    const key = `tokenizer.ggml.${name}_token_id`;
    return metadata.has(key) ? metadata.integer(key) : null;
  };
  return {
    vocab_size: metadata.integer(
      `${architecture}.vocab_size`,
      metadata.has(tokens) ? metadata.strings(tokens).length : undefined,
    ),
    tie_word_embeddings: !tensorNames.has('output.weight'),
    eos_token_id: id('eos'),
    bos_token_id: id('bos'),
    pad_token_id: id('padding'),
  };
}
