import type { Grid, KernelSpec } from '../gpu/kernel.ts';
import type { OpNode, Tensor, TensorSpec } from './tensor.ts';
import type { Graph } from './graph.ts';

/** Numbers of a tensor in the reference: doubles, so that finite differences of a reference are sharp. */
export type Values = Float64Array | Uint32Array;

/** What changes from step to step without changing shapes. Laid out in shaders/step.wgsl in this order. */
export interface StepParameters {
  /** the run's seed, the optimizer step (from 1) and the micro-batch within it (from 0): the key of every dropout mask */
  seed: number;
  step: number;
  microBatch: number;
  /** attention and rotary embedding: how many tokens came before the first query row */
  queryOffset: number;
  /** 1 / number of target tokens in the whole optimizer step */
  inverseTargets: number;
  learningRate: number;
  weightDecay: number;
  /** largest allowed global gradient norm; 0 = no clipping */
  maxGradNorm: number;
}

/** One word of a kernel's uniform block: a plain number is u32, { f } is f32, { i } is i32. */
export type Word = number | { readonly f: number } | { readonly i: number };

/** What a binding of a dispatch points at. Offsets and sizes in bytes within the tensor; offsets must be multiples of 256. */
export interface TensorBinding {
  readonly tensor: Tensor;
  /** for a weight or a sharded parameter: which shard of rows, and which plane of the format */
  readonly shard?: number;
  readonly plane?: number;
  readonly offset?: number;
  readonly size?: number;
}

/** A dispatch before its buffers are known. Binding 0 is the uniform block of `params`; `step` (binding 9) is bound where the WGSL names it. */
export interface DispatchPlan {
  readonly kernel: KernelSpec;
  readonly params: readonly Word[];
  /** by WGSL binding number, 1 to 8. A missing optional operand is undefined: a small dummy buffer is bound where the WGSL still names it. */
  readonly bindings: Readonly<Record<number, TensorBinding | undefined>>;
  readonly grid: Grid;
  readonly flops: number;
  readonly label?: string;
}

export interface Shard {
  readonly rowStart: number;
  readonly rowCount: number;
}

/** What an op may know of the device when it chooses its dispatches. */
export interface LoweringContext {
  readonly bindingLimit: number;
  /** dispatches above this many floating-point operations are split along their outputs, so that none runs too long */
  readonly flopsPerDispatch: number;
  /** the row shards of a weight or parameter; one shard of all rows for any other tensor */
  shards(tensor: Tensor): readonly Shard[];
}

export interface OpDefinition {
  readonly name: string;
  /** Shape rule. Throws an Error naming the op and the shapes when they do not fit. */
  infer(inputs: readonly (TensorSpec | undefined)[], attributes: Readonly<Record<string, unknown>>): TensorSpec[];
  /** Plain TypeScript: the meaning of the op. Reads inputs, returns one array per output, then one per state in `writes`. */
  reference(inputs: readonly (Values | undefined)[], node: OpNode, step: StepParameters): Values[];
  /**
   * Reverse mode: adds the ops that turn the gradients of the outputs into the gradients of the inputs. `needs[i]` says which are wanted.
   * Absent for ops that have no gradient (or need none).
   */
  gradient?(
    graph: Graph,
    node: OpNode,
    outputGradients: readonly (Tensor | undefined)[],
    needs: readonly boolean[],
  ): (Tensor | undefined)[];
  lower(node: OpNode, context: LoweringContext): DispatchPlan[];
  /**
   * Output 0 takes the storage of input `inPlace` where both have as many elements; the planner copies the input there first when
   * something else reads it later. One binding serves both, and the kernel must read each element before it writes it.
   * 'always' marks an op that writes into a state tensor: its output is that state, and it is never dropped as unused.
   */
  readonly inPlace?: { readonly input: number; readonly always?: boolean };
  /** indices of inputs that are states this op writes (beside its outputs); such an op is never dropped as unused */
  readonly writes?: readonly number[];
  /** a later dispatch of the op reads one output while it writes another: they may not share a buffer */
  readonly readsOwnOutputs?: boolean;
}
