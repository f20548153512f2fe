import { UserError } from '../formats/errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { cutToLength, ownClosing } from './cutToLength.ts';
import { ignoredLabel } from './encodedRow.ts';
import type { ShownRow } from './encodedRow.ts';
import type { EncodeRowOptions } from './encodeRow.ts';
import type { DataRecord } from './records.ts';

/**
 * Words with a label each (TOKEN_CLS): the words are encoded one by one, the first token of each has its label, the others and
 * the special tokens −100. A word that becomes no token at all loses its label.
 */
export function encodeWordLabels(record: DataRecord, tokenizer: Tokenizer, options: EncodeRowOptions): ShownRow {
  const { maxLength, labels: scheme } = options;
  if (record.kind === 'text')
    return cutToLength(record.text, tokenizer.encodeWithOffsets(record.text), maxLength, ownClosing(tokenizer));
  if (record.kind !== 'tokens') {
    const needed = 'Labelling words (TOKEN_CLS) needs rows with a list of tokens and a list of labels.';
    const isForText = record.kind === 'labelled';
    throw new UserError(isForText ? `${needed} These have a label for the text: set task_type to SEQ_CLS.` : needed);
  }
  const { encoding, words } = tokenizer.encodeWords(record.tokens);
  const labelOf = (i: number): number => {
    const word = words[i] ?? -1;
    const label = word >= 0 && word !== words[i - 1] ? record.labels[word] : undefined;
    return label === undefined ? ignoredLabel : (scheme?.classOf(label) ?? ignoredLabel);
  };
  const row = cutToLength(record.tokens.join(' '), encoding, maxLength, ownClosing(tokenizer), labelOf);
  return { ...row, target: { kind: 'tokenClasses' } };
}
