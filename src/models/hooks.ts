import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ModuleInfo } from './family.ts';
import type { PositionMasks } from './positionMasks.ts';

/** Where a hook adds its ops. */
export interface HookTrace {
  readonly graph: Graph;
  /** dropout works only in training */
  readonly isTraining: boolean;
  readonly batch: number;
  /** positions of a row in this trace, virtual tokens among them */
  readonly tokens: number;
}

/** A frozen linear and what a method may do with it. */
export interface LinearSite {
  readonly module: ModuleInfo;
  /** x [.., in] → x·Wᵀ + b */
  base(x: Tensor): Tensor;
  /** x [.., in] → x·Wᵀ, without the bias */
  product(x: Tensor): Tensor;
  readonly bias?: Tensor;
}

/** The place where a sublayer's output joins the stream again. Tensors are [batch, tokens, hiddenSize]. */
export interface SublayerSite {
  readonly kind: 'attention' | 'crossAttention' | 'mlp';
  readonly layer: number;
  /** path of the layer, e.g. 'model.layers.3' */
  readonly layerPath: string;
  /** the stream before the sublayer and before its norm */
  readonly residual: Tensor;
  readonly output: Tensor;
  /** post-norm models: the norm over the sum */
  readonly norm?: (sum: Tensor) => Tensor;
}

/** Keys and values in front of every attention of a text to itself; beside an encoder, of the decoder's. */
export interface PrefixHook {
  /** virtual positions: real tokens stand behind them */
  readonly tokens: number;
  /** key and value of a layer (of the decoder, beside an encoder), [tokens, numKeyValueHeads · headDim] each, not rotated */
  layer(trace: HookTrace, layer: number): { readonly key: Tensor; readonly value: Tensor };
}

/** Embeddings in front of the input: the encoder's, where there is one. */
export interface PromptHook {
  readonly tokens: number;
  /** [tokens, hiddenSize] */
  embeddings(trace: HookTrace): Tensor;
}

/**
 * What a method adds to a model: its parameters, and what it does at each hook. Modules as data: one object for a
 * (model, settings) pair, used by every trace of it.
 */
export interface AdapterHooks {
  /** Around a linear. Return site.base(x) where the module is not a target. */
  linear?(trace: HookTrace, site: LinearSite, x: Tensor): Tensor;
  /** Around the embedding of token ids; `product` is x [.., inFeatures] → x · table, for what depends on the whole of it. */
  embedding?(trace: HookTrace, module: ModuleInfo, ids: Tensor, base: Tensor, product: (x: Tensor) => Tensor): Tensor;
  /** "Train this base tensor": the parameter that stands in for a tensor of the checkpoint, by its Hugging Face name. */
  replaces?(graph: Graph, tensorName: string): Tensor | undefined;
  /** Beside or after a sublayer: the stream behind it. Return joinStream(trace.graph, site) where nothing is added. */
  sublayer?(trace: HookTrace, site: SublayerSite): Tensor;
  /** On the stream behind a whole layer. */
  layer?(trace: HookTrace, layer: number, hidden: Tensor): Tensor;
  readonly prefix?: PrefixHook;
  readonly prompt?: PromptHook;
  /** The masks of positions that its traces ask for: see positionMask. Not beside a prompt. */
  readonly masks?: PositionMasks;
}

/** output + residual, through the norm of a post-norm model. */
export function joinStream(
  graph: Graph,
  { output, residual, norm }: Pick<SublayerSite, 'output' | 'residual' | 'norm'>,
): Tensor {
  const sum = graph.one('binary', [output, residual], { operator: 'add' });
  return norm ? norm(sum) : sum;
}
