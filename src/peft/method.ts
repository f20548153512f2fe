import type { FormatName } from '../quant/format.ts';
import type { Shape } from '../graph/tensor.ts';
import type { AdapterHooks } from '../models/builder.ts';
import type { ModelDescription } from '../models/family.ts';
import type { FieldSchema } from './schema.ts';

/** How a parameter starts when no file gives it. */
export type Initial =
  | { readonly kind: 'constant'; readonly value: number }
  /** U(−bound, bound) */
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'normal'; readonly std: number }
  /** a copy of the checkpoint's tensor of that name */
  | { readonly kind: 'base'; readonly tensor: string };

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
}

export interface CheckpointFacts {
  readonly description: ModelDescription;
  readonly baseModelName: string | null;
  readonly taskType: string | null;
}

/** Named values of a method's fields, checked by its schema. */
export type MethodFields = Readonly<Record<string, unknown>>;

/** A parameter-efficient method. Adding one is a file that exports this and a line in the registry. */
export interface Method {
  readonly peftType: string;
  readonly name: string;
  /** one sentence on what it does, one on when to choose it */
  readonly summary: string;
  readonly learningRate: number;
  readonly fields: readonly FieldSchema[];
  /** Throws a UserError that names the field, the reason and the nearest that works. */
  attach(fields: MethodFields, model: CheckpointFacts): Adapter;
  /** W + ΔW of one linear, [out, in], where the algebra allows merging */
  merge?(
    adapter: Adapter,
    parameters: ReadonlyMap<string, Float32Array>,
    tensor: MergeTarget,
  ): Float32Array | undefined;
}

export interface MergeTarget {
  readonly name: string;
  readonly modulePath: string;
  readonly shape: Shape;
  readonly format: FormatName;
  readonly data: Float32Array;
}
