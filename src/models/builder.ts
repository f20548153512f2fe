import type { FormatName } from '../quant/format.ts';
import type { Graph } from '../graph/graph.ts';
import type { Shape, Tensor } from '../graph/tensor.ts';
import type { ModelDescription, ModuleInfo } from './family.ts';
import { joinStream, type AdapterHooks, type HookTrace, type SublayerSite } from './hooks.ts';

/** How keys are seen: see the op `attention`. */
export interface AttentionSettings {
  readonly causal: boolean;
  /** 0 = none */
  readonly window: number;
  readonly scale: number;
  /** scores are capped to ± this by a tanh; default none */
  readonly cap?: number;
  readonly lengths: 'keyLengths' | 'decoderLengths';
  readonly bias?: Tensor;
}

/** Shape and stored format of each tensor of the checkpoint, by Hugging Face name. */
export type WeightCatalog = ReadonlyMap<string, { readonly shape: Shape; readonly format: FormatName }>;

export type TraceMode =
  | { readonly kind: 'forward' }
  /** keys and values go to a cache of that many positions; queries start at the step's query offset */
  | {
      readonly kind: 'cached';
      readonly capacity: number;
      /** what this trace reads: token ids, or the adapter's prompt, which comes before the first of them */
      readonly reads: 'ids' | 'prompt';
      /** of a decoder beside an encoder: positions of what it remembers of the source */
      readonly memory?: number;
    }
  /** an encoder alone: what its decoder will look at goes to a memory of that many positions */
  | { readonly kind: 'encode'; readonly memory: number };

export interface BuilderOptions {
  readonly graph: Graph;
  readonly description: ModelDescription;
  readonly catalog: WeightCatalog;
  readonly adapter?: AdapterHooks;
  readonly mode: TraceMode;
  readonly isTraining: boolean;
  readonly batch: number;
  /** token ids of a row; the prompt's embeddings where the trace reads that */
  readonly tokens: number;
  /** of a decoder beside an encoder: ids of a target */
  readonly decoderTokens?: number;
  /** positions that the constant tables hold */
  readonly positions: number;
  /** recompute each block in the backward pass instead of keeping its activations */
  readonly checkpointing?: boolean;
}

/** The vocabulary in which a model family describes its graph. Applies the adapter's hooks at the places they exist for. */
export class ModelBuilder {
  readonly graph: Graph;
  readonly batch: number;
  /** positions of a row in this trace, virtual tokens among them */
  readonly tokens: number;
  readonly mode: TraceMode;
  readonly #options: BuilderOptions;
  readonly #modules: ReadonlyMap<string, ModuleInfo>;

  constructor(options: BuilderOptions) {
    this.graph = options.graph;
    this.batch = options.batch;
    const promptTokens = options.mode.kind === 'cached' ? 0 : (options.adapter?.prompt?.tokens ?? 0);
    this.tokens = promptTokens + options.tokens;
    this.mode = options.mode;
    this.#options = options;
    this.#modules = new Map(options.description.modules.map((module) => [module.path, module]));
  }

  /** Virtual positions in front of the first token: those of a prefix. */
  get positionOffset(): number {
    return this.#options.adapter?.prefix?.tokens ?? 0;
  }

  /** x [.., in] → x·Wᵀ + b [.., out], with the adapter around it. */
  linear(path: string, x: Tensor): Tensor {
    const module = this.#module(path);
    const { adapter } = this.#options;
    return this.graph.scoped(path, () => {
      const weight = this.weight(`${path}.weight`);
      const bias = module.hasBias ? this.weight(`${path}.bias`) : undefined;
      const base = (input: Tensor) => this.graph.one('matmul', [input, weight, undefined, bias], { layout: 'nt' });
      const product = (input: Tensor) => this.graph.one('matmul', [input, weight], { layout: 'nt' });
      return adapter?.linear ? adapter.linear(this.#trace, { module, base, product, bias }, x) : base(x);
    });
  }

  /** Rows of hidden states [.., hiddenSize] → logits: the head, and its cap where the model has one. */
  head(rows: Tensor): Tensor {
    const { headPath, logitCap } = this.#options.description;
    const logits = this.linear(headPath, rows);
    if (logitCap === undefined) return logits;
    const shares = this.graph.one('scale', [logits], { factor: 1 / logitCap });
    const limited = this.graph.one('activation', [shares], { activation: 'tanh' });
    return this.graph.one('scale', [limited], { factor: logitCap });
  }

  /** The input of the body: rows of the table for the token ids, times `scale`, behind the adapter's prompt. [batch, tokens, width] */
  embedTokens(path: string, ids: Tensor, scale = 1): Tensor {
    const prompt = this.#options.adapter?.prompt;
    if (!prompt || (this.mode.kind === 'cached' && this.mode.reads === 'ids')) return this.embedding(path, ids, scale);
    return this.graph.scoped('prompt', () => {
      const rows = prompt.embeddings(this.#trace);
      const virtual = this.#forEachRow(rows, rows.shape);
      return this.mode.kind === 'cached'
        ? virtual
        : this.graph.one('concat', [virtual, this.embedding(path, ids, scale)], { axis: 1 });
    });
  }

  /** Types of the tokens, u32 [batch · tokens]: uploaded with the ids. */
  typeIds(): Tensor {
    return this.graph.input('typeIds', [this.batch * this.tokens], 'u32');
  }

  /** Positions u32 [batch · tokens] for a table of learned ones: uploaded with the ids. */
  positionIds(): Tensor {
    return this.graph.input('positionIds', [this.batch * this.tokens], 'u32');
  }

  /** ids u32 [..] → rows of the table [.., width], as adapted, times `scale`. */
  embedding(path: string, ids: Tensor, scale = 1): Tensor {
    const module = this.#module(path);
    const { adapter } = this.#options;
    return this.graph.scoped(path, () => {
      const table = this.weight(`${path}.weight`);
      const base = this.graph.one('embedding', [ids, table]);
      const product = (x: Tensor) => this.graph.one('matmul', [x, table], { layout: 'nn' });
      const adapted = adapter?.embedding ? adapter.embedding(this.#trace, module, ids, base, product) : base;
      return scale === 1 ? adapted : this.graph.one('scale', [adapted], { factor: scale });
    });
  }

  rmsNorm(path: string, x: Tensor, epsilon: number): Tensor {
    return this.graph.scoped(path, () => this.graph.one('rmsNorm', [x, this.weight(`${path}.weight`)], { epsilon }));
  }

  layerNorm(path: string, x: Tensor, epsilon: number): Tensor {
    const operands = [x, this.weight(`${path}.weight`), this.weight(`${path}.bias`)];
    return this.graph.scoped(path, () => this.graph.one('layerNorm', operands, { epsilon }));
  }

  /**
   * Softmax attention of q [B, T, heads, d] over k, v [B, T, kvHeads, d] of this layer (of the decoder, beside an encoder), through the
   * cache where there is one, and over the adapter's prefix in front of them.
   * @param bias f32 [heads, 2R + 1]: added to the scores by relative distance, see the op `attention`
   */
  attention(
    layer: number,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    {
      lengths = 'keyLengths',
      ...attributes
    }: Omit<AttentionSettings, 'bias' | 'lengths'> & Partial<Pick<AttentionSettings, 'lengths'>>,
    bias?: Tensor,
  ): Tensor {
    const { prefix } = this.#options.adapter ?? {};
    const virtual = prefix?.layer(this.#trace, layer);
    const keys = this.#behind(virtual?.key, this.cached(`${layer}.key`, k));
    const values = this.#behind(virtual?.value, this.cached(`${layer}.value`, v));
    return this.attend(q, keys, values, { ...attributes, bias, lengths, prefix: prefix?.tokens ?? 0 });
  }

  /** The op `attention` over keys and values as they are. `lengths`: the input that tells how many of them are real. */
  attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    { lengths, bias, ...attributes }: AttentionSettings & { readonly prefix?: number },
  ): Tensor {
    const count = this.graph.input(lengths, [this.batch], 'u32');
    const [output] = this.graph.apply('attention', [q, k, v, count, bias], attributes);
    if (!output) throw new Error('attention has no output');
    return output;
  }

  /** Target ids [batch, decoderTokens], or those that a cached trace reads. */
  decoderIds(): Tensor {
    const tokens = this.mode.kind === 'cached' ? this.tokens : this.#options.decoderTokens;
    return this.graph.input('decoderIds', [this.batch, tokens ?? 1], 'u32');
  }

  /**
   * Keys or values that a decoder has of an encoder's output: made where they are learned, kept when the source is encoded, and found
   * again for each token that is written. `shape` is that of a position, [heads, headDim].
   */
  remembered(name: string, shape: Shape, value: Tensor | undefined): Tensor {
    const { mode } = this;
    if (mode.kind === 'forward' && value) return value;
    const positions = mode.kind === 'forward' ? undefined : mode.memory;
    if (positions === undefined) throw new Error('a decoder needs the memory of its encoder');
    const memory = this.graph.state(`memory.${name}`, [this.batch, positions, ...shape]);
    return value ? this.graph.one('cacheWrite', [value, memory]) : memory;
  }

  /** The stream behind a sublayer: its output + the residual, with what the adapter adds there. */
  join(site: SublayerSite): Tensor {
    const { adapter } = this.#options;
    return this.graph.scoped(`${site.layerPath}.${site.kind}`, () =>
      adapter?.sublayer ? adapter.sublayer(this.#trace, site) : joinStream(this.graph, site),
    );
  }

  reshape(x: Tensor, shape: Shape): Tensor {
    return this.graph.reshape(x, shape);
  }

  /** A table that the description computes, such as rotary angles. */
  constant(name: string): Tensor {
    const constant = this.#options.description.constants(this.#options.positions).get(name);
    if (!constant) throw new Error(`${this.#options.description.family} has no constant ${name}`);
    return this.graph.weight(`constant:${name}`, constant.shape, 'f32');
  }

  /** One layer of the model, from stream to stream: the unit of activation checkpointing. */
  layer(layer: number, body: () => Tensor): Tensor {
    const { adapter, checkpointing } = this.#options;
    const adapted = () => {
      const hidden = body();
      return adapter?.layer
        ? this.graph.scoped(`layer.${layer}`, () => adapter.layer?.(this.#trace, layer, hidden) ?? hidden)
        : hidden;
    };
    return checkpointing ? this.graph.segment(adapted) : adapted();
  }

  /** A tensor of the checkpoint, or the parameter that the adapter trains in its place. */
  weight(name: string): Tensor {
    const replaced = this.#options.adapter?.replaces?.(this.graph, name);
    if (replaced) return replaced;
    const stored = this.#options.catalog.get(this.#storedName(name));
    if (!stored) throw new Error(`the checkpoint has no tensor ${name}`);
    return this.graph.weight(this.#storedName(name), stored.shape, stored.shape.length === 1 ? 'f32' : stored.format);
  }

  #storedName(name: string): string {
    const { tieWordEmbeddings, headPath, embeddingPath } = this.#options.description;
    return tieWordEmbeddings && name === `${headPath}.weight` ? `${embeddingPath}.weight` : name;
  }

  get #trace(): HookTrace {
    return { graph: this.graph, isTraining: this.#options.isTraining, batch: this.batch, tokens: this.tokens };
  }

  /** Writes keys or values [B, T, heads, d] into the cache and returns all of it; without a cache, as they are. */
  cached(name: string, value: Tensor): Tensor {
    if (this.mode.kind !== 'cached') return value;
    const [, , heads = 1, width = 1] = value.shape;
    const cache = this.graph.state(`cache.${name}`, [this.batch, this.mode.capacity, heads, width]);
    return this.graph.one('cacheWrite', [value, cache]);
  }

  /** Keys or values behind virtual ones [tokens, heads · d], the same for every row of the batch. */
  #behind(virtual: Tensor | undefined, real: Tensor): Tensor {
    if (!virtual) return real;
    const [, , heads = 1, width = 1] = real.shape;
    const rows = this.#forEachRow(virtual, [virtual.shape[0] ?? 0, heads, width]);
    return this.graph.one('concat', [rows, real], { axis: 1 });
  }

  /** x under `shape`, once for each row of the batch: [batch, ...shape] */
  #forEachRow(x: Tensor, shape: Shape): Tensor {
    const single = this.graph.reshape(x, [1, ...shape]);
    return this.batch === 1 ? single : this.graph.one('broadcastTo', [single], { shape: [this.batch, ...shape] });
  }

  #module(path: string): ModuleInfo {
    const module = this.#modules.get(path);
    if (!module) throw new Error(`${this.#options.description.family} has no module ${path}`);
    return module;
  }
}
