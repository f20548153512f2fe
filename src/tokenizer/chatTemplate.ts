import { Template } from '@huggingface/jinja';
import { UserError } from '../formats/errors.ts';
import { isObject } from './json.ts';
import { findReplySpans } from './replySpans.ts';
import type { Span } from './replySpans.ts';
import type { NamedTokens } from './specialTokens.ts';

/** One turn of a conversation, as Transformers' apply_chat_template takes it; further fields reach the template as they are. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  readonly [field: string]: unknown;
}

export interface RenderOptions {
  /** end with what makes the model answer; false by default */
  readonly addGenerationPrompt?: boolean;
  /** JSON schemas of the tools the model may call */
  readonly tools?: readonly unknown[];
}

/** A rendered conversation and, in UTF-16 offsets, each assistant reply with its end-of-turn token. */
export interface RenderedChat {
  readonly text: string;
  readonly replySpans: readonly Span[];
}

/**
 * The template in a tokenizer_config.json or a chat_template.jinja: one string, or a list of named ones, of which `default`
 * is taken.
 */
export function readChatTemplate(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const named: unknown[] = value;
  const chosen = named.find((entry) => isObject(entry) && entry['name'] === 'default') ?? named[0];
  return isObject(chosen) && typeof chosen['template'] === 'string' ? chosen['template'] : undefined;
}

/** Renders conversations as Transformers' apply_chat_template(tokenize=False) does. */
export class ChatTemplate {
  private readonly template: Template;

  /**
   * addedTokens: the tokenizer's added tokens, among which the end of a turn is looked for.
   * Throws a UserError where the template does not parse.
   */
  constructor(
    readonly source: string,
    private readonly namedTokens: NamedTokens,
    private readonly addedTokens: readonly string[],
  ) {
    try {
      this.template = new Template(source);
    } catch (cause) {
      throw new UserError(`The chat template cannot be read (${messageOf(cause)}). Mend it in tokenizer_config.json.`, {
        cause,
      });
    }
  }

  /** Throws a UserError with the template's own words where it refuses the messages. */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    try {
      const text = this.template.render({
        ...this.namedTokens,
        messages: shield(messages),
        tools: options.tools ? shield(options.tools) : null,
        documents: null,
        add_generation_prompt: options.addGenerationPrompt ?? false,
      });
      return text.replaceAll(bomStandIn, bom);
    } catch (cause) {
      throw new UserError(`The chat template refuses these messages: ${messageOf(cause)}.`, { cause });
    }
  }

  /** Renders a whole conversation and finds the replies in it; see findReplySpans for how. */
  renderWithReplySpans(messages: readonly ChatMessage[], options: Pick<RenderOptions, 'tools'> = {}): RenderedChat {
    const text = this.render(messages, options);
    const replySpans = findReplySpans({
      text,
      messages,
      endOfTurnTokens: [...this.addedTokens, ...Object.values(this.namedTokens)],
      render: (turns, addGenerationPrompt) => this.render(turns, { ...options, addGenerationPrompt }),
    });
    return { text, replySpans };
  }
}

/** JavaScript's trim takes U+FEFF for whitespace and Python's strip does not, so a noncharacter stands in for it meanwhile. */
const bom = '\ufeff';
const bomStandIn = '\ufdd0';

function shield(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(bom, bomStandIn);
  if (Array.isArray(value)) return value.map(shield);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, shield(field)]));
  return value;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}
