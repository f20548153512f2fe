import { UserError } from '../formats/errors.ts';
import type { ChatMessage } from './chatTemplate.ts';

/** UTF-16 offsets [start, end) */
export type Span = readonly [start: number, end: number];

export interface RenderedConversation {
  readonly text: string;
  readonly messages: readonly ChatMessage[];
  /** tokens that may close a turn */
  readonly endOfTurnTokens: readonly string[];
  readonly render: (messages: readonly ChatMessage[], addGenerationPrompt: boolean) => string;
}

/**
 * Finds each assistant reply in a rendered conversation: what the model would have written from the generation prompt on, up
 * to and with its end-of-turn token, but not the whitespace that the template puts after that token.
 *
 * Where the conversation up to a turn, rendered with the generation prompt, and the conversation with that turn are both
 * prefixes of the whole, the reply lies between. Templates that rewrite earlier turns (those that drop past reasoning) break
 * the second or both; there a rendering with marks in place of the replies tells what stands around each one, and the reply
 * is looked for in the whole between those. A reply that the template leaves out altogether has no span.
 * Throws a UserError where a reply is rendered but cannot be told from what is around it.
 */
export function findReplySpans(conversation: RenderedConversation): Span[] {
  const { text, messages, render } = conversation;
  const spans: Span[] = [];
  let skeleton: string | undefined;
  let done = 0;
  messages.forEach((message, turn) => {
    if (message.role !== 'assistant') return;
    const start = prefixEnd(text, done, () => render(messages.slice(0, turn), true));
    const end = prefixEnd(text, start ?? text.length, () => render(messages.slice(0, turn + 1), false));
    let span: Span | undefined;
    if (start !== undefined && end !== undefined) {
      span = [start, start + withoutTrailingSpace(text.slice(start, end), message.content).length];
    } else {
      skeleton ??= render(messages.map(markReply), false);
      span = findBetween(conversation, skeleton, turn, done, start);
    }
    if (!span) return;
    spans.push(span);
    done = span[1];
  });
  return spans;
}

/** The length of a rendering that is a prefix of the whole and not shorter than `least`; undefined if it is not. */
function prefixEnd(whole: string, least: number, rendered: () => string): number | undefined {
  let prefix: string;
  try {
    prefix = rendered();
  } catch (error) {
    // some templates refuse a conversation that stops at this turn
    if (error instanceof UserError) return undefined;
    throw error;
  }
  return prefix.length >= least && whole.startsWith(prefix) ? prefix.length : undefined;
}

/** Whitespace at the end belongs to the reply only where the reply itself ends with it, with nothing after. */
function withoutTrailingSpace(reply: string, content: string): string {
  return content !== '' && reply.endsWith(content) ? reply : reply.trimEnd();
}

/** Private-use characters around the turn's number: nothing a template looks for, and nothing it trims. */
function mark(turn: number): string {
  return `\ue0f0${turn}\ue0f1`;
}

function markReply(message: ChatMessage, turn: number): ChatMessage {
  return message.role === 'assistant' ? { ...message, content: mark(turn) } : message;
}

function findBetween(
  conversation: RenderedConversation,
  skeleton: string,
  turn: number,
  done: number,
  knownStart: number | undefined,
): Span | undefined {
  const { text, messages } = conversation;
  const at = skeleton.indexOf(mark(turn));
  if (at < 0) return undefined;
  const content = messages[turn]?.content ?? '';
  const after = skeleton.slice(at + mark(turn).length);
  const closing = endOfTurn(after, conversation.endOfTurnTokens);
  const start = knownStart ?? startAfterHeader(text, skeleton.slice(0, at), done) ?? contentAt(text, content, done);
  if (start === undefined) {
    throw new UserError(
      'The chat template rewrites a reply so that it cannot be found in the rendered text. Leave this row out.',
    );
  }
  return [start, endOfReply(text, start, content, closing, after)];
}

/** Where the text that stands directly before the reply in the skeleton ends in the whole. */
function startAfterHeader(text: string, before: string, done: number): number | undefined {
  const header = before.slice(before.lastIndexOf('\ue0f1') + 1);
  const at = text.indexOf(header, done === 0 ? 0 : done - commonEnd(text.slice(0, done), header));
  return at < 0 ? undefined : at + header.length;
}

/** How much of the header's beginning the text before it ends with: the end-of-turn token belongs to the reply before. */
function commonEnd(text: string, header: string): number {
  for (let length = Math.min(text.length, header.length); length > 0; length--) {
    if (text.endsWith(header.slice(0, length))) return length;
  }
  return 0;
}

function contentAt(text: string, content: string, from: number): number | undefined {
  const at = content.trim() === '' ? -1 : text.indexOf(content.trim(), from);
  return at < 0 ? undefined : at;
}

/** The end-of-turn token right after a reply, with the whitespace before it: an added token, or what is written like one. */
function endOfTurn(after: string, tokens: readonly string[]): string {
  const space = /^\s*/.exec(after)?.[0] ?? '';
  const rest = after.slice(space.length);
  const known = tokens.filter((token) => token !== '' && rest.startsWith(token)).sort((a, b) => b.length - a.length)[0];
  const token = known ?? /^<[|/]?[^<>\s]{1,40}>/.exec(rest)?.[0];
  return token === undefined ? '' : space + token;
}

function endOfReply(text: string, start: number, content: string, closing: string, after: string): number {
  for (const written of new Set([content, content.trim()])) {
    const at = written === '' ? -1 : text.indexOf(written, start);
    const end = at + written.length;
    if (at >= 0 && text.startsWith(closing, end)) return end + closing.length;
  }
  // the template has changed the reply: it goes on to the first end of turn, or to what follows it in the skeleton
  const next = closing || after;
  const at = next === '' ? -1 : text.indexOf(next, start);
  return at < 0 ? text.trimEnd().length : at + closing.length;
}
