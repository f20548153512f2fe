import type { FormatName } from '../quant/format.ts';
import type { Graph } from '../graph/graph.ts';
import type { Shape, Tensor } from '../graph/tensor.ts';
import type { ModelDescription, ModuleInfo } from './family.ts';

/** Where a hook adds its ops, and whether they are traced for training: dropout works only there. */
export interface HookTrace {
  readonly graph: Graph;
  readonly isTraining: boolean;
}

/**
 * What a method adds to a model: its parameters, and what it does at each hook. Modules as data: one object for a
 * (model, settings) pair, used by every trace of it.
 */
export interface AdapterHooks {
  /** Around a linear. `base` applies the frozen linear. Return base(x) where the module is not a target. */
  linear?(trace: HookTrace, module: ModuleInfo, x: Tensor, base: (x: Tensor) => Tensor): Tensor;
  /** Around the embedding of token ids. */
  embedding?(trace: HookTrace, module: ModuleInfo, ids: Tensor, base: Tensor): Tensor;
  /** "Train this base tensor": the parameter that stands in for a tensor of the checkpoint, by its Hugging Face name. */
  replaces?(graph: Graph, tensorName: string): Tensor | undefined;
}

/** Shape and stored format of each tensor of the checkpoint, by Hugging Face name. */
export type WeightCatalog = ReadonlyMap<string, { readonly shape: Shape; readonly format: FormatName }>;

export type TraceMode =
  | { readonly kind: 'forward' }
  /** keys and values go to a cache of that many positions; queries start at the step's query offset */
  | { readonly kind: 'cached'; readonly capacity: number };

export interface BuilderOptions {
  readonly graph: Graph;
  readonly description: ModelDescription;
  readonly catalog: WeightCatalog;
  readonly adapter?: AdapterHooks;
  readonly mode: TraceMode;
  readonly isTraining: boolean;
  readonly batch: number;
  readonly tokens: number;
  /** positions that the constant tables hold */
  readonly positions: number;
  /** recompute each block in the backward pass instead of keeping its activations */
  readonly checkpointing?: boolean;
}

/** The vocabulary in which a model family describes its graph. Applies the adapter's hooks at the places they exist for. */
export class ModelBuilder {
  readonly graph: Graph;
  readonly batch: number;
  readonly tokens: number;
  readonly mode: TraceMode;
  readonly #options: BuilderOptions;
  readonly #modules: ReadonlyMap<string, ModuleInfo>;

  constructor(options: BuilderOptions) {
    this.graph = options.graph;
    this.batch = options.batch;
    this.tokens = options.tokens;
    this.mode = options.mode;
    this.#options = options;
    this.#modules = new Map(options.description.modules.map((module) => [module.path, module]));
  }

  /** x [.., in] → x·Wᵀ + b [.., out], with the adapter around it. */
  linear(path: string, x: Tensor): Tensor {
    const module = this.#module(path);
    const { adapter } = this.#options;
    return this.graph.scoped(path, () => {
      const weight = this.weight(`${path}.weight`);
      const bias = module.hasBias ? this.weight(`${path}.bias`) : undefined;
      const base = (input: Tensor) => this.graph.one('matmul', [input, weight, undefined, bias], { layout: 'nt' });
      return adapter?.linear ? adapter.linear(this.#options, module, x, base) : base(x);
    });
  }

  /** ids u32 [..] → rows of the table [.., width]. */
  embedding(path: string, ids: Tensor): Tensor {
    const module = this.#module(path);
    const { adapter } = this.#options;
    return this.graph.scoped(path, () => {
      const base = this.graph.one('embedding', [ids, this.weight(`${path}.weight`)]);
      return adapter?.embedding ? adapter.embedding(this.#options, module, ids, base) : base;
    });
  }

  rmsNorm(path: string, x: Tensor, epsilon: number): Tensor {
    return this.graph.scoped(path, () => this.graph.one('rmsNorm', [x, this.weight(`${path}.weight`)], { epsilon }));
  }

  /** Softmax attention of q [B, T, heads, d] over k, v [B, T, kvHeads, d] of this layer, through the cache where there is one. */
  attention(
    layer: number,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    attributes: { causal: boolean; window: number; scale: number },
  ): Tensor {
    const keyLengths = this.graph.input('keyLengths', [this.batch], 'u32');
    if (this.mode.kind === 'forward') return this.#attend(q, k, v, keyLengths, attributes);
    const [, , heads = 1, width = 1] = k.shape;
    const shape = [this.batch, this.mode.capacity, heads, width];
    const cached = (name: string, value: Tensor) =>
      this.graph.one('cacheWrite', [value, this.graph.state(`cache.${layer}.${name}`, shape)]);
    return this.#attend(q, cached('key', k), cached('value', v), keyLengths, attributes);
  }

  /** x + y. */
  add(x: Tensor, y: Tensor): Tensor {
    return this.graph.one('binary', [x, y], { operator: 'add' });
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

  /** One block of the model: the unit of activation checkpointing. */
  block<T>(body: () => T): T {
    return this.#options.checkpointing ? this.graph.segment(body) : body();
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

  #attend(q: Tensor, k: Tensor, v: Tensor, keyLengths: Tensor, attributes: Readonly<Record<string, unknown>>): Tensor {
    const [output] = this.graph.apply('attention', [q, k, v, keyLengths], attributes);
    if (!output) throw new Error('attention has no output');
    return output;
  }

  #module(path: string): ModuleInfo {
    const module = this.#modules.get(path);
    if (!module) throw new Error(`${this.#options.description.family} has no module ${path}`);
    return module;
  }
}
