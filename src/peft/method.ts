import type { FormatName } from '../quant/format.ts';
import type { Quantisation } from '../quant/quantise.ts';
import type { FloatTensor } from '../formats/floatTensors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Shape, Tensor } from '../graph/tensor.ts';
import type { AdapterHooks } from '../models/hooks.ts';
import type { ModelDescription } from '../models/family.ts';
import type { Matrix } from './algebra/matrix.ts';
import type { FieldSchema } from './schema.ts';

/** How a parameter starts when no file gives it. */
export type Initial =
  | { readonly kind: 'constant'; readonly value: number }
  /** U(−bound, bound) */
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'normal'; readonly std: number }
  /** a copy of the checkpoint's tensor of that name */
  | { readonly kind: 'base'; readonly tensor: string }
  /** worked out from the checkpoint or from other parameters: singular vectors, row norms */
  | { readonly kind: 'computed'; compute(context: InitialContext): Promise<Float32Array<ArrayBuffer>> };

/** What a computed start may read. */
export interface InitialContext {
  readonly seed: number;
  /**
   * A tensor of the checkpoint, decoded; a linear's weight as [out, in]. 'original': as it was before it was quantised while it is loaded;
   * a UserError where it is not.
   */
  base(tensor: string, version?: 'original'): Promise<Float32Array>;
  /** some rows of a matrix of the checkpoint, decoded, behind one another */
  baseRows(tensor: string, rows: readonly number[]): Promise<Float32Array<ArrayBuffer>>;
  /** the first numbers of another parameter of the same adapter */
  parameter(name: string): Promise<Float32Array<ArrayBuffer>>;
  /** ids of a text with the special tokens that the tokenizer adds; throws a UserError where there is no tokenizer */
  tokenize(text: string): readonly number[];
}

/** One tensor of an adapter. */
export interface ParameterSpec {
  /** its key in adapter_model.safetensors */
  readonly name: string;
  /** as it lies on the GPU */
  readonly shape: Shape;
  /** the file holds the transpose of `shape` (a matrix) */
  readonly transposedInFile?: boolean;
  /** the file holds the same numbers under this shape */
  readonly shapeInFile?: Shape;
  readonly initial: Initial;
  /**
   * 'trained' (default): has a gradient and moments. 'frozen': numbers that the graph reads and nothing changes. 'state': changed by the
   * method's own after-step ops alone, and kept in checkpoints.
   */
  readonly role?: 'trained' | 'frozen' | 'state';
  /** false: not a tensor of adapter_model.safetensors */
  readonly isInFile?: boolean;
  /**
   * Learning rate at an optimizer step (from 1) as a multiple of the schedule's; 0 freezes the parameter for that step, moments and all.
   * Parameters that share the function share a group. Default: 1.
   * @param learningRate of the run, before its schedule
   * @param seed of the run
   */
  readonly rateFactor?: (step: number, learningRate: number, seed: number) => number;
}

/** Ops between the optimizer's update and the clearing of the gradients. */
export interface AfterStep {
  /** Values of the inputs that `trace` asks the graph for, at an optimizer step (from 1): u32, or the bits of f32. */
  inputs(step: number): ReadonlyMap<string, Uint32Array>;
  /** Traced once. `parameter` is the updated one, writable; `gradient` is the clipped one of a trained parameter. */
  trace(graph: Graph, at: { parameter(name: string): Tensor; gradient(name: string): Tensor }): void;
}

/** What lies in an adapter's folder: the config, the adapter's tensors, and tensors of safetensors files beside it by file name. */
export interface AdapterContent {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, FloatTensor>;
  readonly beside?: ReadonlyMap<string, ReadonlyMap<string, FloatTensor>>;
}

export type ParameterValues = ReadonlyMap<string, Float32Array>;

/** What linears read on the rows that a run learns from. */
export interface RowInputs {
  /** batches that the rows make, in their order */
  readonly batches: number;
  /**
   * Runs the untouched model over a batch and gives what these linears read, [tokens, in], once for those that read the same.
   * Throws a UserError where one of them does not read tokens.
   * @param learnedOnly tokens that have a label alone, where rows have labels by token; padding is left out always
   */
  read(
    batch: number,
    modules: readonly string[],
    learnedOnly: boolean,
    use: (modules: readonly string[], rows: Matrix) => void,
  ): Promise<void>;
}

/** A start that is found on the rows: fields in place of those given, and numbers of parameters. */
export interface RowStart {
  readonly fields: MethodFields;
  readonly values: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
}

/** A method's settings applied to one model: everything that a trace, a file and a form need to know. */
export interface Adapter {
  readonly peftType: string;
  readonly parameters: readonly ParameterSpec[];
  readonly hooks: AdapterHooks;
  /** adapter_config.json as PEFT writes it */
  readonly config: Readonly<Record<string, unknown>>;
  /** tensors of the checkpoint that PEFT copies into the file beside the parameters: file key → checkpoint name */
  readonly baseTensors: ReadonlyMap<string, string>;
  /** keys of PEFT's file that are read over: what the checkpoint holds itself */
  ignoresKey(key: string): boolean;
  readonly afterStep?: AfterStep;
  /** A penalty [1] of the parameters alone, added to the loss once an optimizer step and logged as reg_loss. */
  regularizer?(graph: Graph): Tensor;
  /** Where ranks move while it trains: the parameter that they are read from, and the rank of each module by its path. */
  readonly ranks?: {
    readonly parameter: string;
    ranksOf(values: Float32Array): ReadonlyMap<string, number>;
  };
  /**
   * For a method whose file does not hold its parameters as they are: the content of the folder. `readBase` decodes a tensor of the
   * checkpoint. Default: config, and the parameters that are in the file.
   */
  toContent?(values: ParameterValues, readBase: (tensor: string) => Promise<Float32Array>): Promise<AdapterContent>;
  /** The way back, for continuing and for use; throws a UserError. Default: strict, tensor by tensor. Frozen parameters may be left out. */
  fromContent?(content: AdapterContent): Map<string, Float32Array<ArrayBuffer>>;
  /** For settings that start from the rows of a new run: the adapter is attached anew, with what is found. */
  startFromRows?(inputs: RowInputs): Promise<RowStart>;
  /** What takes this adapter's place where it is only used: read from the same folder, with what training alone needs worked out. */
  readonly forUse?: Adapter;
}

export interface CheckpointFacts {
  readonly description: ModelDescription;
  readonly baseModelName: string | null;
  readonly taskType: string | null;
  /** optimizer steps of the run that trains it, where they are known */
  readonly totalSteps?: number;
  /** how the linears are quantised while they are loaded for a run that starts anew, null where they are not; left out where it matters to nothing */
  readonly quantisation?: Quantisation | null;
}

/** Named values of a method's fields, checked by its schema. */
export type MethodFields = Readonly<Record<string, unknown>>;

/** What a method changes, for the order in which a form lists it. */
export type MethodGroup = 'lora' | 'adapters' | 'prompts' | 'scaling' | 'orthogonal' | 'full';

/** A parameter-efficient method. Adding one is a file that exports this and a line in the registry. */
export interface Method {
  readonly peftType: string;
  /** Where its files are another method's: that one's peft_type. It goes on from such a file where the run names it. */
  readonly filedAs?: string;
  readonly name: string;
  /** one sentence on what it does, one on when to choose it */
  readonly summary: string;
  readonly group: MethodGroup;
  readonly learningRate: number;
  readonly fields: readonly FieldSchema[];
  /** Throws a UserError that names the field, the reason and the nearest that works. */
  attach(fields: MethodFields, model: CheckpointFacts): Adapter;
  /**
   * For a library whose adapter_config.json has no peft_type (AdapterHub): how well the config fits this method; 0 where it is another's.
   */
  fits?(config: Readonly<Record<string, unknown>>): number;
  /** The fields that an adapter_config.json of this method stands for, where they are not spelled alike. */
  readConfig?(config: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** W + ΔW of one linear, [out, in], where the algebra allows merging */
  merge?(adapter: Adapter, parameters: ParameterValues, tensor: MergeTarget): Float32Array | undefined;
  /** one sentence, where there is no `merge`: why the algebra does not allow it, and what to do instead */
  readonly whyNoMerge?: string;
}

export interface MergeTarget {
  readonly name: string;
  readonly modulePath: string;
  readonly shape: Shape;
  readonly format: FormatName;
  readonly data: Float32Array;
}
