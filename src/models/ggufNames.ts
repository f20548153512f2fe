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
