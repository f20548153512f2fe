import { ignoredLabel } from './encodeRow.ts';
import type { EncodedRow } from './encodeRow.ts';

/** Rows side by side, B × T tokens, ready to be uploaded. Padding is on the right, id 0, and is masked by `lengths`. */
export interface Batch {
  /** B */
  readonly batchSize: number;
  /** T: the longest row, rounded up to a whole number of buckets */
  readonly tokens: number;
  /** [B, T] token ids */
  readonly inputIds: Uint32Array;
  /** [B] tokens of each row that are not padding */
  readonly lengths: Uint32Array;
  /** [targetCount] ascending flat positions b·T + t whose next token is to be predicted */
  readonly labelRows: Uint32Array;
  /** [targetCount] that next token */
  readonly labelTargets: Uint32Array;
  readonly targetCount: number;
  /** [B] the class of each row, where the rows have one */
  readonly classIds?: Uint32Array;
  /** [B, T] token_type_ids, where a row has them */
  readonly typeIds?: Uint32Array;
}

/** Puts rows into a batch. The labels are shifted here: position t stands for the prediction of token t + 1. */
export function collate(rows: readonly EncodedRow[], tokenBucket: 32 | 64): Batch {
  const longest = rows.reduce((most, { ids }) => Math.max(most, ids.length), 1);
  const tokens = Math.ceil(longest / tokenBucket) * tokenBucket;
  const inputIds = new Uint32Array(rows.length * tokens);
  const lengths = new Uint32Array(rows.length);
  const labelRows: number[] = [];
  const labelTargets: number[] = [];
  rows.forEach(({ ids, labels }, row) => {
    inputIds.set(ids, row * tokens);
    lengths[row] = ids.length;
    for (let t = 1; t < labels.length; t++) {
      const target = labels[t]!;
      if (target === ignoredLabel) continue;
      labelRows.push(row * tokens + t - 1);
      labelTargets.push(target);
    }
  });
  return {
    batchSize: rows.length,
    tokens,
    inputIds,
    lengths,
    labelRows: Uint32Array.from(labelRows),
    labelTargets: Uint32Array.from(labelTargets),
    targetCount: labelTargets.length,
    ...classesOf(rows),
    ...typesOf(rows, tokens),
  };
}

function classesOf(rows: readonly EncodedRow[]): Pick<Batch, 'classIds'> {
  const classIds = rows.flatMap(({ classId }) => (classId === undefined ? [] : [classId]));
  return classIds.length === rows.length && rows.length > 0 ? { classIds: Uint32Array.from(classIds) } : {};
}

function typesOf(rows: readonly EncodedRow[], tokens: number): Pick<Batch, 'typeIds'> {
  if (!rows.some(({ typeIds }) => typeIds)) return {};
  const typeIds = new Uint32Array(rows.length * tokens);
  rows.forEach((row, index) => row.typeIds && typeIds.set(row.typeIds, index * tokens));
  return { typeIds };
}
