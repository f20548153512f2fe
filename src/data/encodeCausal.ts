import { UserError } from '../formats/errors.ts';
import type { ChatMessage } from '../tokenizer/chatTemplate.ts';
import type { Encoding, Tokenizer } from '../tokenizer/tokenizer.ts';
import { cutToLength, ownClosing } from './cutToLength.ts';
import type { Closing } from './cutToLength.ts';
import { ignoredLabel } from './encodedRow.ts';
import type { ShownRow } from './encodedRow.ts';
import type { EncodeRowOptions } from './encodeRow.ts';
import { joinInstruction } from './recognizeRow.ts';
import type { DataRecord } from './records.ts';

/**
 * A row of a causal model: a text with the tokenizer's own special tokens and EOS; prompt and completion joined as they stand,
 * encoded once, with EOS, learned from the completion on; conversations through the chat template, which writes its own
 * special tokens, learned on each reply with its end-of-turn token. What is too long is cut on the right (and has no EOS
 * then); a special token with which the tokenizer itself closes a text stays, unless it is EOS.
 */
export function encodeCausal(record: DataRecord, tokenizer: Tokenizer, options: EncodeRowOptions): ShownRow {
  switch (record.kind) {
    case 'text':
      return encodePlain(record.text, tokenizer, options);
    case 'labelled':
      if (record.textPair === undefined) return encodePlain(record.text, tokenizer, options);
      throw new UserError('A causal model cannot learn from pairs of texts with a label. Set task_type to SEQ_CLS.');
    case 'tokens':
      throw new UserError('A causal model cannot learn from words with labels. Set task_type to TOKEN_CLS.');
    case 'promptCompletion':
      return encodeCompletion(record.prompt, record.completion, tokenizer, options);
    case 'instruction': {
      const { instruction, input, output, system } = record;
      if (!tokenizer.chat)
        return encodeCompletion(alpacaPrompt(instruction, input, system), output, tokenizer, options);
      const messages: ChatMessage[] = [
        { role: 'user', content: joinInstruction(instruction, input) },
        { role: 'assistant', content: output },
      ];
      if (system !== undefined) messages.unshift({ role: 'system', content: system });
      return encodeChat(messages, undefined, tokenizer, options);
    }
    case 'messages':
      return encodeChat(record.messages, record.tools, tokenizer, options);
  }
}

function encodePlain(text: string, tokenizer: Tokenizer, options: EncodeRowOptions): ShownRow {
  const encoding = withEos(tokenizer.encodeWithOffsets(text), tokenizer, text.length);
  return finishRow(text, encoding, () => true, options, closingOf(tokenizer));
}

/**
 * A token is learned if any part of it is of the completion: one that straddles the boundary (a space that ends the prompt
 * with the word that follows) is what the model has to write at that place.
 */
function encodeCompletion(
  prompt: string,
  completion: string,
  tokenizer: Tokenizer,
  options: EncodeRowOptions,
): ShownRow {
  const text = prompt + completion;
  const encoding = withEos(tokenizer.encodeWithOffsets(text), tokenizer, text.length);
  const first = tokenizer.prefixIds.length;
  const isLearned = (i: number): boolean =>
    options.lossOn === 'all' ||
    (i >= first && (encoding.ends[i]! > prompt.length || encoding.starts[i]! >= text.length));
  return finishRow(text, encoding, isLearned, options, closingOf(tokenizer));
}

function encodeChat(
  messages: readonly ChatMessage[],
  tools: readonly unknown[] | undefined,
  tokenizer: Tokenizer,
  options: EncodeRowOptions,
): ShownRow {
  if (!tokenizer.chat) {
    throw new UserError(
      'The data set holds conversations, but the model has no chat template. Add a chat_template to its ' +
        'tokenizer_config.json, or use prompt and completion columns.',
    );
  }
  const { text, replySpans } = tokenizer.chat.renderWithReplySpans(messages, tools ? { tools } : {});
  const encoding = tokenizer.encodeWithOffsets(text, { addSpecialTokens: false });
  let span = 0;
  const isLearned = (i: number): boolean => {
    if (options.lossOn === 'all') return true;
    while (span < replySpans.length && replySpans[span]![1] <= encoding.starts[i]!) span++;
    const reply = replySpans[span];
    return reply !== undefined && encoding.starts[i]! < reply[1] && encoding.ends[i]! > reply[0];
  };
  return finishRow(text, encoding, isLearned, options, { kept: 0, dropped: 0 });
}

/** The tokenizer's own closing tokens, but not EOS, which a cut row has no more. */
function closingOf(tokenizer: Tokenizer): Closing {
  if (tokenizer.suffixIds.at(-1) === tokenizer.eosTokenId) return { kept: 0, dropped: 0 };
  return { ...ownClosing(tokenizer), dropped: tokenizer.eosTokenId === undefined ? 0 : 1 };
}

/** EOS after the last token, unless the tokenizer has closed the text with it already. */
function withEos(encoding: Encoding, { eosTokenId, suffixIds }: Tokenizer, end: number): Encoding {
  if (eosTokenId === undefined || suffixIds.at(-1) === eosTokenId) return encoding;
  return { ids: [...encoding.ids, eosTokenId], starts: [...encoding.starts, end], ends: [...encoding.ends, end] };
}

function finishRow(
  text: string,
  encoding: Encoding,
  isLearned: (index: number) => boolean,
  { maxLength }: EncodeRowOptions,
  closing: Closing,
): ShownRow {
  return cutToLength(text, encoding, maxLength, closing, (i) => (isLearned(i) ? encoding.ids[i]! : ignoredLabel));
}

/** The prompt format of Stanford Alpaca, for models without a chat template; a system text takes the place of its preamble. */
function alpacaPrompt(instruction: string, input: string, system: string | undefined): string {
  const preamble =
    input === ''
      ? 'Below is an instruction that describes a task. Write a response that appropriately completes the request.'
      : 'Below is an instruction that describes a task, paired with an input that provides further context. ' +
        'Write a response that appropriately completes the request.';
  const context = input === '' ? '' : `### Input:\n${input}\n\n`;
  return `${system ?? preamble}\n\n### Instruction:\n${instruction}\n\n${context}### Response:\n`;
}
