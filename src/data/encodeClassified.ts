import { UserError } from '../formats/errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { cutToLength, ownClosing } from './cutToLength.ts';
import { ignoredLabel } from './encodedRow.ts';
import type { ShownRow } from './encodedRow.ts';
import type { EncodeRowOptions } from './encodeRow.ts';
import type { DataRecord } from './records.ts';

/** A text or two with the tokenizer's own special tokens, which a cut leaves in place, and what its label says. */
export function encodeClassified(record: DataRecord, tokenizer: Tokenizer, options: EncodeRowOptions): ShownRow {
  if (record.kind === 'tokens')
    throw new UserError('These rows have a label for each word, not for the text. Set task_type to TOKEN_CLS.');
  if (record.kind !== 'labelled' && record.kind !== 'text')
    throw new UserError('Classifying (SEQ_CLS) needs rows with a text and a label.');
  const textPair = record.kind === 'labelled' ? record.textPair : undefined;
  const row =
    textPair === undefined
      ? encodeOne(record.text, tokenizer, options)
      : encodePair(record.text, textPair, tokenizer, options);
  if (record.kind === 'text' || !options.labels) return row;
  return { ...row, target: options.labels.targetOf(record.label) };
}

function encodeOne(text: string, tokenizer: Tokenizer, { maxLength }: EncodeRowOptions): ShownRow {
  return cutToLength(text, tokenizer.encodeWithOffsets(text), maxLength, ownClosing(tokenizer));
}

function encodePair(text: string, textPair: string, tokenizer: Tokenizer, { maxLength }: EncodeRowOptions): ShownRow {
  const first = tokenizer.encode(text, { addSpecialTokens: false });
  const second = tokenizer.encode(textPair, { addSpecialTokens: false });
  const room = maxLength - tokenizer.joinPair([], []).ids.length;
  const [keptOfFirst, keptOfSecond] = cutLongestFirst(first.length, second.length, Math.max(0, room));
  const { ids, typeIds } = tokenizer.joinPair(first.slice(0, keptOfFirst), second.slice(0, keptOfSecond));
  return {
    ids: Uint32Array.from(ids),
    labels: new Int32Array(ids.length).fill(ignoredLabel),
    typeIds: Uint8Array.from(typeIds),
    cut: keptOfFirst + keptOfSecond < first.length + second.length,
    text: `${text}\n${textPair}`,
    starts: new Uint32Array(ids.length),
    ends: new Uint32Array(ids.length),
  };
}

/**
 * How much of two texts stays where `room` tokens are there for both: Transformers' truncation=True (longest_first). Only the
 * longer is cut while that is enough; then each gets half, and the odd token the longer (the second, of two as long).
 */
export function cutLongestFirst(first: number, second: number, room: number): readonly [number, number] {
  if (first + second <= room) return [first, second];
  const shorter = Math.min(first, second, Math.floor(room / 2));
  return first > second ? [room - shorter, shorter] : [shorter, room - shorter];
}
