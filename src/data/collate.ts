import { ignoredLabel } from './encodedRow.ts';
import type { EncodedRow, RowTarget } from './encodedRow.ts';

/**
 * What a batch is to teach. Either classes (next tokens and classes of texts, words and images are told alike: cross-entropy
 * over the logits of some rows), or values for all logits of all rows. The loss is a sum over targets ÷ their number.
 */
export interface BatchTargets {
  /**
   * [targetCount] ascending rows of logits that are learned. Models of tokens: flat positions b·T + t, the logits of which
   * predict token t + 1 (CAUSAL_LM), the class of token t (TOKEN_CLS), or token t of the target (SEQ_2_SEQ_LM, positions of
   * the decoder). SEQ_CLS and images have one row of logits each: b. Empty where there are targetValues.
   */
  readonly labelRows: Uint32Array;
  /** [targetCount] the id or class that each of them should name */
  readonly labelTargets: Uint32Array;
  /** [B, numLabels] regression: values; multi-label: 0 or 1 */
  readonly targetValues?: Float32Array;
  /** entries of labelTargets, or of targetValues */
  readonly targetCount: number;
}

/** What the decoder of a sequence-to-sequence model reads: the target behind decoder_start_token_id, without its last token. */
export interface DecoderInput {
  /** T of the decoder */
  readonly tokens: number;
  /** [B, T] token ids */
  readonly inputIds: Uint32Array;
  /** [B] tokens of each row that are not padding */
  readonly lengths: Uint32Array;
}

/** Rows side by side, B × T tokens, ready to be uploaded. Padding is on the right and is masked by `lengths`. */
export interface Batch extends BatchTargets {
  /** B */
  readonly batchSize: number;
  /** T: the longest row, rounded up to a whole number of buckets */
  readonly tokens: number;
  /** [B, T] token ids; of SEQ_2_SEQ_LM those of the source */
  readonly inputIds: Uint32Array;
  /** the id that fills rows up, where the tokenizer has one for that; else 0 does */
  readonly padTokenId?: number;
  /** [B] tokens of each row that are not padding */
  readonly lengths: Uint32Array;
  /** [B, T] token_type_ids, where a row has them */
  readonly typeIds?: Uint32Array;
  /** IMAGE_CLS: [B, 3, height, width] */
  readonly pixelValues?: Float32Array;
  /** SEQ_2_SEQ_LM */
  readonly decoder?: DecoderInput;
}

/** Puts rows of one task into a batch. Next-token labels are shifted here: position t stands for the prediction of token t + 1. */
export function collate(rows: readonly EncodedRow[], tokenBucket: 32 | 64, padTokenId?: number): Batch {
  const { tokens, inputIds, lengths } = padIds(
    rows.map(({ ids }) => ids),
    tokenBucket,
    padTokenId,
  );
  const decoder = decoderOf(rows, tokenBucket);
  return {
    batchSize: rows.length,
    tokens,
    inputIds,
    padTokenId,
    lengths,
    ...(decoder ? { ...targetsOfSequences(rows, decoder.tokens), decoder } : targetsOf(rows, tokens)),
    ...typesOf(rows, tokens),
  };
}

function padIds(rows: readonly Uint32Array[], tokenBucket: number, padTokenId = 0): DecoderInput {
  const longest = rows.reduce((most, { length }) => Math.max(most, length), 1);
  const tokens = Math.ceil(longest / tokenBucket) * tokenBucket;
  const inputIds = new Uint32Array(rows.length * tokens).fill(padTokenId);
  rows.forEach((ids, row) => inputIds.set(ids, row * tokens));
  return { tokens, inputIds, lengths: Uint32Array.from(rows, ({ length }) => length) };
}

function targetsOf(rows: readonly EncodedRow[], tokens: number): BatchTargets {
  const targets = rows.flatMap(({ target }) => target ?? []);
  if (targets.some(({ kind }) => kind === 'class' || kind === 'values')) return targetsOfRows(targets);
  const found = new TargetList();
  rows.forEach(({ labels, target }, row) => {
    const shift = target?.kind === 'tokenClasses' ? 0 : 1;
    for (let t = shift; t < labels.length; t++)
      if (labels[t] !== ignoredLabel) found.push(row * tokens + t - shift, labels[t]!);
  });
  return found.done();
}

/** One row of logits for each row of the batch: SEQ_CLS and images. */
export function targetsOfRows(targets: readonly RowTarget[]): BatchTargets {
  const found = new TargetList();
  const values = targets.flatMap((target) => (target.kind === 'values' ? [...target.values] : []));
  targets.forEach((target, row) => target.kind === 'class' && found.push(row, target.classId));
  if (values.length === 0) return found.done();
  return { ...found.done(), targetValues: Float32Array.from(values), targetCount: values.length };
}

type SequenceTarget = Extract<RowTarget, { kind: 'sequence' }>;

function sequencesOf(rows: readonly EncodedRow[]): SequenceTarget[] {
  return rows.flatMap(({ target }) => (target?.kind === 'sequence' ? [target] : []));
}

function decoderOf(rows: readonly EncodedRow[], tokenBucket: number): DecoderInput | undefined {
  const sequences = sequencesOf(rows);
  if (sequences.length === 0) return undefined;
  const shifted = sequences.map(({ ids, decoderStartTokenId }) =>
    Uint32Array.of(decoderStartTokenId, ...ids.slice(0, -1)),
  );
  return padIds(shifted, tokenBucket);
}

function targetsOfSequences(rows: readonly EncodedRow[], tokens: number): BatchTargets {
  const found = new TargetList();
  sequencesOf(rows).forEach(({ ids }, row) => ids.forEach((id, t) => found.push(row * tokens + t, id)));
  return found.done();
}

class TargetList {
  private readonly rows: number[] = [];
  private readonly targets: number[] = [];

  push(row: number, target: number): void {
    this.rows.push(row);
    this.targets.push(target);
  }

  done(): BatchTargets {
    const labelRows = Uint32Array.from(this.rows);
    return { labelRows, labelTargets: Uint32Array.from(this.targets), targetCount: labelRows.length };
  }
}

function typesOf(rows: readonly EncodedRow[], tokens: number): Pick<Batch, 'typeIds'> {
  if (!rows.some(({ typeIds }) => typeIds)) return {};
  const typeIds = new Uint32Array(rows.length * tokens);
  rows.forEach((row, index) => row.typeIds && typeIds.set(row.typeIds, index * tokens));
  return { typeIds };
}
