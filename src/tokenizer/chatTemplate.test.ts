import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ChatTemplate, readChatTemplate } from './chatTemplate.ts';
import type { ChatMessage } from './chatTemplate.ts';
import { loadTokenizer } from './tokenizer.ts';

interface ChatFixture {
  tokenizer: unknown;
  templates: Record<string, TemplateFixture>;
}
interface TemplateFixture {
  template: string;
  config: Record<string, string>;
  cases: { messages: ChatMessage[]; generate: boolean; text: string; ids: number[] | null }[];
}

const fixture = JSON.parse(
  readFileSync(new URL('../../tests/fixtures/tokenizer/chat.json', import.meta.url), 'utf8'),
) as ChatFixture;

function chatOf(name: string): ChatTemplate {
  const { template, config } = fixture.templates[name]!;
  return new ChatTemplate(template, config, ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|eot_id|>']);
}

/** What a model would be taught to write, turn by turn. */
function replies(name: string, messages: readonly ChatMessage[]): string[] {
  const { text, replySpans } = chatOf(name).renderWithReplySpans(messages);
  return replySpans.map(([start, end]) => text.slice(start, end));
}

const talk = (...contents: string[]): ChatMessage[] =>
  contents.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }));

describe.each(Object.entries(fixture.templates))('the template %s', (name, { cases, template, config }) => {
  it('renders what Transformers renders', () => {
    const chat = chatOf(name);
    expect(cases.map(({ messages, generate }) => chat.render(messages, { addGenerationPrompt: generate }))).toEqual(
      cases.map(({ text }) => text),
    );
  });

  it('gives the ids of apply_chat_template', () => {
    const tokenizer = loadTokenizer({
      tokenizerJson: fixture.tokenizer,
      tokenizerConfig: { ...config, chat_template: template },
    });
    for (const { messages, generate, ids } of cases) {
      if (!ids) continue;
      const text = tokenizer.chat!.render(messages, { addGenerationPrompt: generate });
      expect(tokenizer.encode(text, { addSpecialTokens: false })).toEqual(ids);
    }
  });

  it('has one reply span for each reply, in order, with nothing of another turn in it', () => {
    for (const { messages, generate } of cases) {
      if (generate) continue;
      const { replySpans } = chatOf(name).renderWithReplySpans(messages);
      expect(replySpans).toHaveLength(messages.filter(({ role }) => role === 'assistant').length);
      replySpans.forEach(([start, end], i) => {
        expect(start).toBeGreaterThanOrEqual(replySpans[i - 1]?.[1] ?? 0);
        expect(end).toBeGreaterThan(start);
      });
    }
  });
});

describe('reply spans', () => {
  it('hold the end of the turn but not the newline after it', () => {
    expect(replies('chatml', talk('When?', 'In spring.', 'And bud?', 'In August.\nNot later.'))).toEqual([
      'In spring.<|im_end|>',
      'In August.\nNot later.<|im_end|>',
    ]);
    expect(replies('headers', talk('Hi', ' padded reply \n'))).toEqual(['padded reply<|eot_id|>']);
    expect(replies('inst', talk('Hi', 'yes', 'so', 'no'))).toEqual([' yes </s>', ' no </s>']);
  });

  it('are not misled by a reply that repeats the question or quotes the end of a turn', () => {
    expect(replies('chatml', talk('x', 'x', 'x', 'x'))).toEqual(['x<|im_end|>', 'x<|im_end|>']);
    expect(replies('chatml', talk('q', 'You wrote <|im_end|>, I say </s>.'))).toEqual([
      'You wrote <|im_end|>, I say </s>.<|im_end|>',
    ]);
  });

  it('follow a template that drops the reasoning of earlier turns', () => {
    const messages = talk('a', '<think>\nwell\n</think>\n\nSame', 'b', '<think>\nhm\n</think>\n\nSame');
    expect(replies('reasoning', messages)).toEqual(['Same<|im_end|>', '<think>\nhm\n</think>\n\nSame<|im_end|>']);
  });

  it('follow a template whose generation prompt is not in the rendered conversation', () => {
    const messages = talk('a', '<think>\nwell\n</think>First.', 'b', 'Second.');
    expect(replies('opened', messages)).toEqual(['First.<|im_end|>', 'Second.<|im_end|>']);
  });
});

describe('chat templates', () => {
  it('pass on the words of a template that refuses', () => {
    const twice = [...talk('Hi'), ...talk('Hi')];
    expect(() => chatOf('inst').render(twice)).toThrow('turns must alternate');
  });

  it('are refused by name when they do not parse', () => {
    expect(() => new ChatTemplate('{% if %}', {}, [])).toThrow(/chat template cannot be read/);
  });

  it('are read from a list of named ones, the default first', () => {
    expect(
      readChatTemplate([
        { name: 'tool_use', template: 'T' },
        { name: 'default', template: 'D' },
      ]),
    ).toBe('D');
    expect(readChatTemplate(undefined)).toBeUndefined();
  });
});
