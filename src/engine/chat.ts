import { encodeRow } from '../data/encodeRow.ts';
import { UserError } from '../formats/errors.ts';
import type { ChatMessage } from '../tokenizer/chatTemplate.ts';
import type { LoadedModel } from './loadedModel.ts';

/** The ids of a {"text"} row. Throws a UserError when there are none, or more than the model takes. */
export function encodeText(model: LoadedModel, text: string): number[] {
  const options = { taskType: 'CAUSAL_LM', lossOn: 'all', maxLength: Number.MAX_SAFE_INTEGER } as const;
  const place = { unit: 'line', number: 1 } as const;
  const isCausal = model.checkpoint.description.task === 'CAUSAL_LM';
  const ids = isCausal
    ? [...encodeRow({ kind: 'text', text, place }, model.tokenizer, options).ids]
    : model.tokenizer.encode(text);
  if (ids.length === 0) throw new UserError('The text is empty. Write a text.');
  if (ids.length > model.positions)
    throw new UserError(`The text has ${ids.length} tokens, and the model takes ${model.positions}. Shorten it.`);
  return ids;
}

/**
 * The prompt of a reply: the messages through the model's chat template, or with `raw` the last message's text as it stands.
 * Throws a UserError when there is no template, or the prompt leaves no room.
 */
export function encodePrompt(model: LoadedModel, messages: readonly ChatMessage[], raw: boolean): number[] {
  const { tokenizer } = model;
  const last = messages.at(-1);
  if (!last) throw new UserError('There is no message to answer. Write a prompt.');
  const isPlain = raw || (!tokenizer.chat && messages.length === 1);
  if (!isPlain && !tokenizer.chat)
    throw new UserError(
      'The model has no chat template, so a conversation cannot be put to it. Send one text, or use a model with a template.',
    );
  const ids =
    isPlain || !tokenizer.chat
      ? tokenizer.encode(String(last.content))
      : tokenizer.encode(tokenizer.chat.render(messages, { addGenerationPrompt: true }), { addSpecialTokens: false });
  if (ids.length === 0) throw new UserError('The prompt is empty. Write a prompt.');
  if (ids.length >= model.positions)
    throw new UserError(`The prompt has ${ids.length} tokens, and the model takes ${model.positions}. Shorten it.`);
  return ids;
}
