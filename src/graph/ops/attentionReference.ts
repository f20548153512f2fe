import type { StepParameters, Values } from '../op.ts';
import { seesKey, type AttentionShape } from './attentionShape.ts';

/** One pair of a query row and a key row that it sees, with where they lie. */
export interface VisiblePair {
  /** index of (batch, head, query) in lse */
  readonly statistic: number;
  /** first element of the query's and of the key's row */
  readonly query: number;
  readonly key: number;
  /** what the bias table adds to the score */
  readonly bias: number;
}

/** Every visible pair, query by query. `bias`: the table [nH, 2·R + 1], if any. */
export function* visiblePairs(
  shape: AttentionShape,
  lengths: Values,
  step: StepParameters,
  bias: Values | undefined,
): Generator<VisiblePair> {
  const { batches, queryRows, keyRows, queryHeads, keyHeads, headSize } = shape;
  for (let b = 0; b < batches; b++)
    for (let h = 0; h < queryHeads; h++)
      for (let i = 0; i < queryRows; i++)
        for (let j = 0; j < keyRows; j++) {
          if (!seesKey(shape, lengths, b, step.queryOffset + i, j)) continue;
          const keyHead = Math.floor(h / (queryHeads / keyHeads));
          yield {
            statistic: (b * queryHeads + h) * queryRows + i,
            query: ((b * queryRows + i) * queryHeads + h) * headSize,
            key: ((b * keyRows + j) * keyHeads + keyHead) * headSize,
            bias: bias ? biasOf(shape, bias, h, step.queryOffset + i, j) : 0,
          };
        }
}

/** bias[h, clamp(j − i, −R, R) + R] for absolute positions i and j; keys of the prefix stand in front of position 0. */
function biasOf(shape: AttentionShape, bias: Values, head: number, position: number, key: number): number {
  const { biasReach: reach = 0, prefix } = shape;
  const distance = Math.max(-reach, Math.min(reach, key - prefix - position));
  return bias[head * (2 * reach + 1) + distance + reach]!;
}

/** A score as the softmax takes it, cap·tanh(s / cap), and the slope of that. */
export function cappedScore(
  { cap }: AttentionShape,
  score: number,
): { readonly score: number; readonly slope: number } {
  if (cap === 0) return { score, slope: 1 };
  const share = Math.tanh(score / cap);
  return { score: cap * share, slope: 1 - share * share };
}

/** Σ a[from + d]·b[at + d] over a head. */
export function dotRows(a: Values, from: number, b: Values, at: number, headSize: number): number {
  let sum = 0;
  for (let d = 0; d < headSize; d++) sum += a[from + d]! * b[at + d]!;
  return sum;
}

/** target[to + d] += factor·row[from + d] over a head. */
export function addScaled(
  target: Float64Array,
  to: number,
  factor: number,
  row: Values,
  from: number,
  headSize: number,
): void {
  for (let d = 0; d < headSize; d++) target[to + d]! += factor * row[from + d]!;
}
