import type { Values, Word } from '../op.ts';
import type { Shape, TensorSpec } from '../tensor.ts';
import { numberAttribute } from './attributes.ts';
import { splitOutputs, workgroupGrid } from './grid.ts';
import { operand, requireShape } from './operands.ts';

/** Invocations of a workgroup. */
const workgroupSize = 64;
/** The longest head whose columns a workgroup holds in registers. */
const longestHead = 8 * workgroupSize;
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
  /** the first rows of keys and values: virtual ones, at the positions −prefix … −1 */
  readonly prefix: number;
  readonly causal: boolean;
  /** 0 = none */
  readonly window: number;
  readonly scale: number;
  /** scores are capped to ± this by a tanh; 0 = none */
  readonly cap: number;
  /** words of keyLengths for one batch row: 1, or with packed segments 1 + S − prefix */
  readonly lengthStride: number;
  /** R of the additive bias table [nH, 2·R + 1]: the farthest distance that it tells apart. Undefined without a table. */
  readonly biasReach: number | undefined;
}

/** Reads q [B, Tq, nH, hd], k and v [B, S, nKV, hd], keyLengths, the attributes and the bias table, if any. Throws where they do not fit. */
export function attentionShape(
  op: string,
  inputs: readonly (TensorSpec | undefined)[],
  attributes: Readonly<Record<string, unknown>>,
  bias?: TensorSpec,
): AttentionShape {
  const query = operand(op, inputs, 0).shape;
  const key = operand(op, inputs, 1).shape;
  const [batches = 0, queryRows = 0, queryHeads = 0, headSize = 0] = query;
  const [, keyRows = 0, keyHeads = 0] = key;
  if (query.length !== 4 || keyHeads < 1 || queryHeads % keyHeads !== 0)
    throw new Error(`${op} cannot share keys [${key.join(', ')}] among queries [${query.join(', ')}]`);
  if (headSize > longestHead) throw new Error(`${op} takes heads of up to ${longestHead} values, not ${headSize}`);
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
    cap: Number(attributes['cap'] ?? 0),
    lengthStride: lengthStride(op, operand(op, inputs, 3).shape, batches, keyRows - prefix, attributes),
    biasReach: bias && biasReach(op, bias, queryHeads),
  };
}

/** Words of keyLengths for one batch row. Later segments are hidden by causality, so that packing needs it. */
function lengthStride(
  op: string,
  lengths: Shape,
  batches: number,
  positions: number,
  attributes: Readonly<Record<string, unknown>>,
): number {
  if (lengths.length === 1) {
    requireShape(op, 'keyLengths', lengths, [batches]);
    return 1;
  }
  requireShape(op, 'keyLengths with segments', lengths, [batches, 1 + positions]);
  if (attributes['causal'] !== true) throw new Error(`${op} takes packed segments only where it is causal`);
  return 1 + positions;
}

/** R of a bias table [nH, 2·R + 1]. */
function biasReach(op: string, { shape }: TensorSpec, heads: number): number {
  const [, distances = 0] = shape;
  if (shape.length !== 2 || shape[0] !== heads || distances % 2 === 0)
    throw new Error(`${op} wants bias as [${heads}, an odd number of distances] but it is [${shape.join(', ')}]`);
  return (distances - 1) / 2;
}

/** Does the query at an absolute position of this batch row see this row of keys? `lengths`: as attention's keyLengths. */
export function seesKey(shape: AttentionShape, lengths: Values, batch: number, position: number, key: number): boolean {
  const at = key - shape.prefix;
  if (at < 0) return shape.window === 0 || position - at < shape.window;
  const { lengthStride: stride } = shape;
  if (stride > 1 && at < lengths[batch * stride + Math.min(position + 1, stride - 1)]!) return false;
  return (
    at < lengths[batch * stride]! &&
    (!shape.causal || at <= position) &&
    (shape.window === 0 || position - at < shape.window)
  );
}

/** About how many keys a query sees on average: for estimates of time. */
function keysSeen({ keyRows, queryRows, prefix, causal, window }: AttentionShape): number {
  const real = keyRows - prefix;
  const inSight = causal && queryRows === real ? (real + 1) / 2 : real;
  return prefix + Math.min(inSight, window > 0 ? window : Infinity);
}

/** How a kernel's workgroups divide the work; see shaders/attention. */
export interface Tiling {
  /** lanes of a workgroup that share four outer rows */
  readonly lanes: number;
  /** of those, the lanes that share a row's columns, two each */
  readonly columnLanes: number;
  /** workgroups in all */
  readonly items: number;
  /** pairs of a query and a key that a workgroup takes at most, where that is far from what it takes on average */
  readonly mostPairs?: number;
}

/** The kernels over queries: the heads that share keys count as rows of one tile. */
export function tileQueries(shape: AttentionShape): Tiling {
  return tileRows(shape, (shape.queryRows * shape.queryHeads) / shape.keyHeads);
}

/** The kernel over keys. */
export function tileKeys(shape: AttentionShape): Tiling {
  return tileRows(shape, shape.keyRows);
}

/** The kernel over the diagonals of the scores, a lane each; those next to the main one are as long as the shorter side. */
export function tileDiagonals({ batches, queryHeads, queryRows, keyRows }: AttentionShape): Tiling {
  const items = batches * queryHeads * Math.ceil((queryRows + keyRows - 1) / workgroupSize);
  return { lanes: workgroupSize, columnLanes: 1, items, mostPairs: workgroupSize * Math.min(queryRows, keyRows) };
}

/** As few lanes to four outer rows as hold a head's columns; more where there are not rows enough for all lanes. */
function tileRows({ batches, keyHeads, headSize }: AttentionShape, rows: number): Tiling {
  const columnLanes = powerOfTwo(headSize / 8);
  const groups = Math.min(8, powerOfTwo(rows / 4), workgroupSize / columnLanes);
  return {
    lanes: workgroupSize / groups,
    columnLanes,
    items: batches * keyHeads * Math.ceil(rows / (4 * groups)),
  };
}

/** The least power of two that is not below `value`. */
function powerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

/** Heads of whole vec4s are read as such; the bias table and the cap are there only where they are asked for. */
export function attentionConditions(shape: AttentionShape): Record<string, boolean> {
  return {
    VECTOR: shape.headSize % 4 === 0,
    ...(shape.cap > 0 && { CAP: true }),
    ...(shape.biasReach !== undefined && { BIAS: true }),
  };
}

/**
 * Cuts the workgroups of a kernel into dispatches and gives each its uniform words.
 * @param flopsPerPair for each value of a head, of a query and a key that it sees
 */
export function attentionPieces(shape: AttentionShape, tiling: Tiling, flopsPerPair: number, flopsPerDispatch: number) {
  const pairs = shape.batches * shape.queryHeads * shape.queryRows * keysSeen(shape);
  const averagePairs = pairs / tiling.items;
  const flopsOf = (each: number) => flopsPerPair * shape.headSize * each;
  return splitOutputs(tiling.items, flopsOf(tiling.mostPairs ?? averagePairs), flopsPerDispatch).map(
    ({ start, count }) => ({
      params: words(shape, tiling, start, start + count),
      grid: workgroupGrid(count),
      flops: count * flopsOf(averagePairs),
    }),
  );
}

/** The uniform block in the order of struct Shape. */
function words(shape: AttentionShape, tiling: Tiling, firstItem: number, lastItem: number): Word[] {
  const columns = Math.ceil(shape.headSize / 4);
  const rowStride = shape.headSize % 4 === 0 ? columns : shape.headSize;
  const keyElements = shape.batches * shape.keyRows * shape.keyHeads * rowStride;
  return [
    shape.queryRows,
    shape.keyRows,
    shape.keyHeads,
    shape.queryHeads / shape.keyHeads,
    shape.headSize,
    columns,
    rowStride,
    shape.prefix,
    shape.causal ? 0 : unlimited,
    shape.window > 0 ? shape.window : unlimited,
    firstItem,
    lastItem,
    tiling.lanes,
    tiling.columnLanes,
    { f: shape.scale },
    shape.lengthStride,
    ...(shape.cap > 0 ? [{ f: shape.cap }] : []),
    ...(shape.biasReach === undefined ? [] : [shape.biasReach, keyElements]),
  ];
}
