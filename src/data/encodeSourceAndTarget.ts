import { UserError } from '../formats/errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { cutToLength, ownClosing } from './cutToLength.ts';
import type { ShownRow } from './encodedRow.ts';
import type { EncodeRowOptions } from './encodeRow.ts';
import { joinInstruction } from './recognizeRow.ts';
import type { DataRecord } from './records.ts';

/**
 * A row of a sequence-to-sequence model: source and target, each with the tokenizer's own special tokens and cut to maxLength
 * by itself, before the tokens that close it.
 */
export function encodeSourceAndTarget(record: DataRecord, tokenizer: Tokenizer, options: EncodeRowOptions): ShownRow {
  const { source, target } = textsOf(record);
  const encode = (text: string): ShownRow =>
    cutToLength(text, tokenizer.encodeWithOffsets(text), options.maxLength, ownClosing(tokenizer));
  const row = encode(source);
  if (target === undefined) return row;
  const { decoderStartTokenId } = options;
  if (decoderStartTokenId === undefined)
    throw new UserError(
      'The model has no decoder_start_token_id, with which its decoder begins. Add it to config.json (T5 has its pad_token_id there, mostly 0).',
    );
  const { ids, cut, text, starts, ends } = encode(target);
  return {
    ...row,
    cut: row.cut || cut,
    target: { kind: 'sequence', ids, decoderStartTokenId },
    shownTarget: { ids, text, starts, ends },
  };
}

function textsOf(record: DataRecord): { readonly source: string; readonly target?: string } {
  switch (record.kind) {
    case 'text':
      return { source: record.text };
    case 'promptCompletion':
      return { source: record.prompt, target: record.completion };
    case 'instruction': {
      const { instruction, input, output, system } = record;
      return { source: joinInstruction(system ?? '', joinInstruction(instruction, input)), target: output };
    }
    case 'messages': {
      const turns = record.messages;
      const replies = turns.filter(({ role }) => role === 'assistant');
      const reply = turns.at(-1);
      if (replies.length === 1 && reply?.role === 'assistant')
        return {
          source: turns
            .slice(0, -1)
            .map(({ content }) => content)
            .join('\n'),
          target: reply.content,
        };
      throw new UserError(
        'A sequence-to-sequence model (SEQ_2_SEQ_LM) learns one reply a row: a conversation needs one, at its end.',
      );
    }
    case 'labelled':
    case 'tokens':
      throw new UserError(
        'A sequence-to-sequence model (SEQ_2_SEQ_LM) needs rows of prompt and completion, or of source and target.',
      );
  }
}
