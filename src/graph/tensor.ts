import type { FormatName } from '../quant/format.ts';

export type DType = 'f32' | 'u32';
export type Shape = readonly number[];

export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Where a tensor's bytes come from. */
export type Origin =
  /** an op's output; lives in an activation arena between its first and its last use */
  | { readonly kind: 'op'; readonly node: OpNode; readonly output: number }
  /** uploaded for every step: token ids, labels, lengths */
  | { readonly kind: 'input'; readonly name: string }
  /** a frozen weight in its stored format, [rows, columns] or [rows]; read-only, shared by all plans; may lie in several shards of rows */
  | { readonly kind: 'weight'; readonly name: string; readonly format: FormatName }
  /** a tensor of the flat parameter space; f32; its gradient goes to the same place of the gradient space when it is trainable */
  | { readonly kind: 'parameter'; readonly name: string; readonly trainable: boolean }
  /** a buffer that outlives the step: a gradient, a KV cache, the sum of losses */
  | { readonly kind: 'state'; readonly name: string }
  /** part of another tensor's bytes (contiguous), under another shape; no copy. Offset in elements. No gradient passes one that is detached */
  | { readonly kind: 'view'; readonly of: Tensor; readonly offset: number; readonly isDetached?: boolean };

export interface Tensor extends TensorSpec {
  readonly id: number;
  readonly origin: Origin;
}

export interface OpNode {
  readonly op: string;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Readonly<Record<string, unknown>>;
  /** what a profile and an error call it, e.g. 'layers.3.self_attn.q_proj' */
  readonly label: string;
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** [..., columns] seen as a matrix: the product of all but the last dimension, and the last. */
export function asMatrix(shape: Shape): { rows: number; columns: number } {
  const columns = shape.at(-1) ?? 1;
  return { rows: sizeOf(shape) / Math.max(1, columns), columns };
}

/** The tensor that owns the bytes, and how far into it (in elements) this one starts. */
export function storageOf(tensor: Tensor): { tensor: Tensor; offset: number } {
  let offset = 0;
  let owner = tensor;
  while (owner.origin.kind === 'view') {
    offset += owner.origin.offset;
    owner = owner.origin.of;
  }
  return { tensor: owner, offset };
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}
