import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { encodeCausal } from './encodeCausal.ts';
import { encodeClassified } from './encodeClassified.ts';
import type { ShownRow, TaskType } from './encodedRow.ts';
import { encodeSourceAndTarget } from './encodeSourceAndTarget.ts';
import { encodeWordLabels } from './encodeWordLabels.ts';
import type { LabelScheme } from './labels.ts';
import type { DataRecord } from './records.ts';

export { ignoredLabel } from './encodedRow.ts';
export type { EncodedRow, RowTarget, ShownRow, TaskType, TokenSpans } from './encodedRow.ts';

/** What a causal model learns from a row that has a part to answer with. */
export type LossOn = 'replies' | 'all';

export interface EncodeRowOptions {
  /** tokens; longer rows are cut */
  readonly maxLength: number;
  readonly taskType: TaskType;
  readonly lossOn: LossOn;
  /** SEQ_CLS, TOKEN_CLS: how labels are read */
  readonly labels?: LabelScheme;
  /** SEQ_2_SEQ_LM: the id in front of what the decoder writes, from config.json */
  readonly decoderStartTokenId?: number;
}

/**
 * Encodes a row for a task: see encodeCausal, encodeClassified, encodeWordLabels and encodeSourceAndTarget. A text alone is
 * encoded for every task, then without a target. Throws a UserError where the row needs something that the tokenizer or the
 * options lack, or is not one for the task.
 */
export function encodeRow(record: DataRecord, tokenizer: Tokenizer, options: EncodeRowOptions): ShownRow {
  switch (options.taskType) {
    case 'CAUSAL_LM':
      return encodeCausal(record, tokenizer, options);
    case 'SEQ_CLS':
      return encodeClassified(record, tokenizer, options);
    case 'TOKEN_CLS':
      return encodeWordLabels(record, tokenizer, options);
    case 'SEQ_2_SEQ_LM':
      return encodeSourceAndTarget(record, tokenizer, options);
  }
}
