import { UserError } from '../formats/errors.ts';
import type { ChatMessage } from '../tokenizer/chatTemplate.ts';
import type { Encoding, Tokenizer } from '../tokenizer/tokenizer.ts';
import { joinInstruction } from './recognizeRow.ts';
import type { DataRecord } from './records.ts';

export type TaskType = 'CAUSAL_LM' | 'SEQ_CLS';

/** What a causal model learns from a row that has a part to answer with. */
export type LossOn = 'replies' | 'all';

export interface EncodeRowOptions {
  /** tokens; longer rows are cut */
  readonly maxLength: number;
  readonly taskType: TaskType;
  readonly lossOn: LossOn;
  /** SEQ_CLS: class number by name */
  readonly classIds?: ReadonlyMap<string, number>;
}

/** A row as token ids. */
export interface EncodedRow {
  readonly ids: Uint32Array;
  /** by token: its id where it is to be predicted (from the tokens before it), −100 where not; Transformers' `labels`, before the shift */
  readonly labels: Int32Array;
  /** the row was longer than maxLength */
  readonly cut: boolean;
  /** SEQ_CLS: the class, and BERT's token_type_ids */
  readonly classId?: number;
  readonly typeIds?: Uint8Array;
}

/** An encoded row with the text it was made of and each token's span in it, for showing. */
export interface ShownRow extends EncodedRow {
  readonly text: string;
  /** UTF-16 offsets by token; empty for special tokens that are not in the text */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** The label of a token that is not learned, as in Transformers. */
export const ignoredLabel = -100;

/**
 * Encodes a row. Causal rows: a text with the tokenizer's own special tokens and EOS; prompt and completion joined as they
 * stand, encoded once, with EOS, learned from the completion on; conversations through the chat template, which writes its
 * own special tokens, learned on each reply with its end-of-turn token. What is too long is cut on the right (and has no EOS
 * then); a special token with which the tokenizer itself closes a text stays, unless it is EOS.
 * Throws a UserError where the row needs something that the tokenizer or the options lack.
 */
export function encodeRow(record: DataRecord, tokenizer: Tokenizer, options: EncodeRowOptions): ShownRow {
  if (options.taskType === 'SEQ_CLS') return encodeClassified(record, tokenizer, options);
  switch (record.kind) {
    case 'text':
    case 'labelled':
      return encodePlain(record.text, tokenizer, options);
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
  return finishRow(text, encoding, () => true, tokenizer, options, closingTokens(tokenizer));
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
  return finishRow(text, encoding, isLearned, tokenizer, options, closingTokens(tokenizer));
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
  return finishRow(text, encoding, isLearned, tokenizer, options, 0);
}

function encodeClassified(record: DataRecord, tokenizer: Tokenizer, options: EncodeRowOptions): ShownRow {
  if (record.kind !== 'labelled') throw new UserError('Classifying (SEQ_CLS) needs rows with a text and a label.');
  const classId = typeof record.label === 'number' ? record.label : options.classIds?.get(record.label);
  if (classId === undefined) throw new UserError(`The label "${record.label}" is none of the model's classes.`);
  if (record.textPair !== undefined)
    return { ...encodePairRow(record.text, record.textPair, tokenizer, options), classId };
  const encoding = tokenizer.encodeWithOffsets(record.text);
  const row = finishRow(record.text, encoding, () => false, tokenizer, options, tokenizer.suffixIds.length);
  return { ...row, classId };
}

/** The longer of the two texts is cut first, token by token, as Transformers' longest_first does: the odd token is that of the longer. */
function encodePairRow(
  text: string,
  textPair: string,
  tokenizer: Tokenizer,
  { maxLength }: EncodeRowOptions,
): ShownRow {
  const first = tokenizer.encode(text, { addSpecialTokens: false });
  const second = tokenizer.encode(textPair, { addSpecialTokens: false });
  const whole = first.length + second.length;
  const firstIsLonger = first.length > second.length;
  const specials = tokenizer.joinPair([], []).ids.length;
  while (first.length + second.length > 0 && first.length + second.length + specials > maxLength) {
    const cutsFirst = first.length === second.length ? !firstIsLonger : first.length > second.length;
    (cutsFirst ? first : second).pop();
  }
  const { ids, typeIds } = tokenizer.joinPair(first, second);
  return {
    ids: Uint32Array.from(ids),
    labels: new Int32Array(ids.length).fill(ignoredLabel),
    typeIds: Uint8Array.from(typeIds),
    cut: first.length + second.length < whole,
    text: `${text}\n${textPair}`,
    starts: new Uint32Array(ids.length),
    ends: new Uint32Array(ids.length),
  };
}

/** How many tokens at the end of a text stay when it is cut: the tokenizer's own closing ones, but not EOS. */
function closingTokens({ suffixIds, eosTokenId }: Tokenizer): number {
  return suffixIds.at(-1) === eosTokenId ? 0 : suffixIds.length;
}

/** EOS after the last token, unless the tokenizer has closed the text with it already. */
function withEos(encoding: Encoding, { eosTokenId, suffixIds }: Tokenizer, end: number): Encoding {
  if (eosTokenId === undefined || suffixIds.at(-1) === eosTokenId) return encoding;
  return { ids: [...encoding.ids, eosTokenId], starts: [...encoding.starts, end], ends: [...encoding.ends, end] };
}

/** closing: how many tokens the tokenizer itself put at the end, before EOS, which a cut leaves in place. */
function finishRow(
  text: string,
  encoding: Encoding,
  isLearned: (index: number) => boolean,
  tokenizer: Tokenizer,
  { maxLength, taskType }: EncodeRowOptions,
  closing: number,
): ShownRow {
  const { ids, starts, ends } = encoding;
  const cut = ids.length > maxLength;
  const kept = Array.from({ length: Math.min(ids.length, maxLength) }, (_, i) => i);
  if (cut && closing > 0 && closing < maxLength) {
    const appended = taskType === 'CAUSAL_LM' && tokenizer.eosTokenId !== undefined ? 1 : 0;
    const lastBody = ids.length - appended - closing;
    for (let i = 0; i < closing; i++) kept[maxLength - closing + i] = lastBody + i;
  }
  return {
    ids: Uint32Array.from(kept, (i) => ids[i]!),
    labels: Int32Array.from(kept, (i) => (isLearned(i) ? ids[i]! : ignoredLabel)),
    cut,
    text,
    starts: Uint32Array.from(kept, (i) => starts[i]!),
    ends: Uint32Array.from(kept, (i) => ends[i]!),
  };
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
