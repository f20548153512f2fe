import type { Word } from '../op.ts';
import type { TensorSpec } from '../tensor.ts';
import { numberAttribute } from './attributes.ts';
import { splitOutputs } from './grid.ts';
import { operand, requireShape } from './operands.ts';

/** Queries and keys that a workgroup takes at a time: TILE in shaders/attention/shape.wgsl. */
export const tile = 32;
/** Groups of four values of the output that a workgroup holds in registers. */
const columnsPerBlock = 16;
/** Stands for "no limit": no sequence is that long, and sums of two of it stay within u32. */
const unlimited = 2 ** 30;

/** What attention is given: B batch rows, Tq queries, S keys (with the virtual prefix), heads and the size of one. */
export interface AttentionShape {
  readonly batches: number;
  readonly queryRows: number;
  readonly keyRows: number;
  readonly queryHeads: number;
  readonly keyHeads: number;
  readonly headSize: number;
  /** the first rows of keys and values: seen by every query, without a position */
  readonly prefix: number;
  readonly causal: boolean;
  /** 0 = none */
  readonly window: number;
  readonly scale: number;
}

/** Reads q [B, Tq, nH, hd], k and v [B, S, nKV, hd] and the attributes. Throws where they do not fit. */
export function attentionShape(
  op: string,
  inputs: readonly (TensorSpec | undefined)[],
  attributes: Readonly<Record<string, unknown>>,
): AttentionShape {
  const query = operand(op, inputs, 0).shape;
  const key = operand(op, inputs, 1).shape;
  const [batches = 0, queryRows = 0, queryHeads = 0, headSize = 0] = query;
  const [, keyRows = 0, keyHeads = 0] = key;
  if (query.length !== 4 || keyHeads < 1 || queryHeads % keyHeads !== 0)
    throw new Error(`${op} cannot share keys [${key.join(', ')}] among queries [${query.join(', ')}]`);
  requireShape(op, 'keys', key, [batches, keyRows, keyHeads, headSize]);
  requireShape(op, 'values', operand(op, inputs, 2).shape, key);
  const prefix = Number(attributes['prefix'] ?? 0);
  if (prefix > keyRows) throw new Error(`${op} has ${keyRows} rows of keys, fewer than its prefix of ${prefix}`);
  return {
    batches,
    queryRows,
    keyRows,
    queryHeads,
    keyHeads,
    headSize,
    prefix,
    causal: attributes['causal'] === true,
    window: Number(attributes['window'] ?? 0),
    scale: numberAttribute(op, attributes, 'scale'),
  };
}

/** Does the query at an absolute position see this row of keys? `length`: real keys of the batch row, prefix not counted. */
export function seesKey(shape: AttentionShape, position: number, key: number, length: number): boolean {
  if (key < shape.prefix) return true;
  const at = key - shape.prefix;
  return at < length && (!shape.causal || at <= position) && (shape.window === 0 || position - at < shape.window);
}

/** Keys that a query sees, on average and at most about: for estimates of time. */
export function keysSeen({ keyRows, queryRows, prefix, causal, window }: AttentionShape): number {
  const real = keyRows - prefix;
  const inSight = causal && queryRows === real ? (real + tile) / 2 : real;
  return prefix + Math.min(inSight, window > 0 ? window + tile : Infinity);
}

/** Workgroups that share a tile of rows, each making up to 64 values of every row. */
export function columnBlocks(shape: AttentionShape): number {
  return Math.ceil(shape.headSize / (4 * columnsPerBlock));
}

/** Heads of whole vec4s are read as such. */
export function attentionConditions(shape: AttentionShape): Record<string, boolean> {
  return { VECTOR: shape.headSize % 4 === 0 };
}

/** Cuts the workgroups ("items") of a kernel into dispatches, and gives each its uniform words. */
export function attentionPieces(shape: AttentionShape, items: number, flopsEach: number, flopsPerDispatch: number) {
  return splitOutputs(items, flopsEach, flopsPerDispatch).map(({ start, count }) => ({
    params: words(shape, start, start + count),
    count,
    flops: count * flopsEach,
  }));
}

/** The uniform block in the order of struct Shape. */
function words(shape: AttentionShape, firstItem: number, lastItem: number): Word[] {
  const columns = Math.ceil(shape.headSize / 4);
  return [
    shape.batches,
    shape.queryRows,
    shape.keyRows,
    shape.queryHeads,
    shape.keyHeads,
    shape.headSize,
    columns,
    shape.headSize % 4 === 0 ? columns : shape.headSize,
    columnBlocks(shape),
    shape.prefix,
    shape.causal ? 0 : unlimited,
    shape.window > 0 ? shape.window : unlimited,
    firstItem,
    lastItem,
    { f: shape.scale },
  ];
}
