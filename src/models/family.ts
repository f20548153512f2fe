import type { AdapterFolder } from '../formats/adapterContent.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { GgufMetadata } from '../formats/ggufMetadata.ts';
import type { ModelBuilder } from './builder.ts';

/** A module of the Hugging Face model that holds weights: adapters are keyed by its path. */
export interface ModuleInfo {
  /** exact path in Transformers' model, e.g. 'model.layers.0.self_attn.q_proj' */
  readonly path: string;
  readonly kind: 'linear' | 'embedding' | 'norm' | 'patches';
  readonly hasBias: boolean;
  /** Transformers' Conv1D (GPT-2): files hold the weight as [inFeatures, outFeatures]; here it is [outFeatures, inFeatures] like any other */
  readonly isConv1d?: boolean;
  /** an embedding that is read as a whole and not by ids: it can be trained, but no method stands around it */
  readonly isReadWhole?: boolean;
  /** a convolution over patches: files hold the weight under this shape; here it is [outFeatures, inFeatures] */
  readonly shapeInFile?: readonly number[];
  /**
   * linear and patches: x [.., inFeatures] → [.., outFeatures], weight [outFeatures, inFeatures]; embedding: weight
   * [inFeatures = vocabulary, outFeatures]; norm: both the width
   */
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** What a model is trained to do: peft's task_type, and image classification, for which that is null. */
export type TaskType = 'CAUSAL_LM' | 'SEQ_CLS' | 'TOKEN_CLS' | 'SEQ_2_SEQ_LM' | 'IMAGE_CLS';

/** Transformers' problem_type: how the labels of a classifier are told. */
export type ProblemType = 'single_label_classification' | 'multi_label_classification' | 'regression';

/** A task as a run asks for it. What is absent is as config.json has it. */
export interface TaskChoice {
  readonly type: TaskType;
  readonly numLabels?: number;
  readonly problemType?: ProblemType;
}

/** What a model's description tells the rest: the model with the head of one task. */
export interface ModelDescription {
  readonly family: string;
  readonly task: TaskType;
  /** the tasks that the family has heads for; the first is what it suits best */
  readonly tasks: readonly TaskType[];
  /** logits of a row: the vocabulary, or the labels */
  readonly outputSize: number;
  readonly problemType?: ProblemType;
  /** names of the labels as config.json has them, by class */
  readonly labelNames?: readonly string[];
  /** modules beside headPath that a checkpoint without this head lacks, such as RoBERTa's classifier.dense */
  readonly newModules?: readonly string[];
  /** linears that load_in_4bit and load_in_8bit leave as they are stored, by the end of their path */
  readonly keptInFloats?: string;
  /** tensors that are no module's weight or bias, by name, under the shape that the graph reads */
  readonly bareTensors?: ReadonlyMap<string, readonly number[]>;
  /** what a model of images takes, in pixels, and the positions that it makes of it */
  readonly image?: {
    readonly height: number;
    readonly width: number;
    readonly channels: number;
    readonly positions: number;
  };
  /** An adapter of an older version of the library, under today's names of the modules; any other as it is. */
  fromOlder?(adapter: AdapterFolder): AdapterFolder;
  /** tensors of a new head, which the checkpoint lacks or has for other labels: they start afresh and must be trained */
  readonly freshTensors?: ReadonlySet<string>;
  /** Transformers' model_type and class */
  readonly modelType: string;
  readonly architecture: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numHiddenLayers: number;
  readonly maxPositionEmbeddings: number;
  /** row of the table of learned positions for the first token; default 0 */
  readonly firstPosition?: number;
  /** tokens of this id have no position of their own: they take the row in front of the first (RoBERTa's padding) */
  readonly uncountedTokenId?: number;
  /** layers of each stack of a model with an encoder and a decoder; numHiddenLayers counts both */
  readonly stacks?: { readonly encoder: number; readonly decoder: number };
  /** width of one layer's keys in the cache: heads and their size */
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  readonly tieWordEmbeddings: boolean;
  /** the input embedding and the output head, which all-linear leaves out */
  readonly embeddingPath: string;
  readonly headPath: string;
  /** the head's logits are capped to ± this by a tanh */
  readonly logitCap?: number;
  readonly modules: readonly ModuleInfo[];
  /** by peft_type: what PEFT targets when the user names nothing */
  readonly defaultTargets: Readonly<Record<string, DefaultTargets>>;
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId?: number;
  readonly padTokenId?: number;
  /** tensors that the graph needs beside the checkpoint's, e.g. the table of rotary angles; computed for that many positions */
  constants(positions: number): ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
  /** token ids [batch, tokens] → final hidden states [batch, tokens, hiddenSize], after the last norm */
  traceBody(builder: ModelBuilder, ids: Tensor): Tensor;
  /** An encoder's own trace: source ids [batch, tokens] → what the decoder keeps of it, through ModelBuilder.remembered. */
  traceEncoder?(builder: ModelBuilder, ids: Tensor): void;
  /** of a model with an encoder: the id in front of what the decoder writes */
  readonly decoderStartTokenId?: number;
  /** Where the head reads one vector a row: hidden [batch · tokens, hiddenSize] → [batch, width]. */
  pool?(builder: ModelBuilder, hidden: Tensor): Tensor;
}

export interface DefaultTargets {
  readonly targetModules: readonly string[];
  readonly feedforwardModules?: readonly string[];
}

/** How a family is read from a GGUF file. */
export interface GgufReading {
  /** values of general.architecture */
  readonly architectures: readonly string[];
  /** A config.json for a file's metadata. */
  config(metadata: GgufMetadata, tensorNames: ReadonlySet<string>): Record<string, unknown>;
  /** The Hugging Face name of a GGUF tensor, and how it lies there; undefined for tensors that are not weights. */
  tensor(name: string, description: ModelDescription): GgufTensor | undefined;
}

export interface GgufTensor {
  readonly name: string;
  /** row of the model → row in the file */
  readonly rowOrder?: (row: number) => number;
  /** of a vector: what the file adds to each of its numbers */
  readonly surplus?: number;
}

/** One file a family: how a config is recognised and what it describes. */
export interface ModelFamily {
  readonly name: string;
  /** Transformers' model_type values */
  readonly modelTypes: readonly string[];
  /** Throws a UserError where the config asks for what is not supported. Without a task: the one that the config's class is for. */
  describe(config: Readonly<Record<string, unknown>>, task?: TaskChoice): ModelDescription;
  /** The name that a tensor of a folder has in Transformers' model today: older files and bodies without a head spell some otherwise. Default: its own. */
  tensorFromFolder?(name: string, description: ModelDescription): string;
  /** Absent where the family is read from Hugging Face folders alone. */
  readonly gguf?: GgufReading;
}
