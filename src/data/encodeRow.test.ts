import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../tokenizer/chatTemplate.ts';
import { loadTokenizer } from '../tokenizer/tokenizer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { encodeRow } from './encodeRow.ts';
import type { EncodedRow, EncodeRowOptions } from './encodeRow.ts';
import type { DataRecord } from './records.ts';

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../tests/fixtures/tokenizer/${name}.json`, import.meta.url), 'utf8')) as T;
interface Chat {
  tokenizer: unknown;
  templates: Record<string, { template: string; config: Record<string, string>; cases: ChatCase[] }>;
}
interface ChatCase {
  messages: ChatMessage[];
  ids: number[] | null;
  mask: number[] | null;
}

const place = { unit: 'line', number: 1 } as const;
const causal: EncodeRowOptions = { maxLength: 1000, taskType: 'CAUSAL_LM', lossOn: 'replies' };
const load = (shape: string, tokenizerConfig: object): Tokenizer =>
  loadTokenizer({ tokenizerJson: read<{ tokenizer: unknown }>(shape).tokenizer, tokenizerConfig });
const llama = load('llama3', { eos_token: '<|eot_id|>', bos_token: '<|begin_of_text|>' });
const bert = load('bertUncased', { sep_token: '[SEP]' });

const text = (words: string): DataRecord => ({ kind: 'text', text: words, place });
const learned = (tokenizer: Tokenizer, { ids, labels }: EncodedRow): string =>
  tokenizer.decode([...ids].filter((_, i) => labels[i] !== -100));

describe('a text row', () => {
  const whole = llama.encode('the scion and the stock');

  it('has the special tokens of the tokenizer and then EOS, all of it learned', () => {
    const row = encodeRow(text('the scion and the stock'), llama, causal);
    expect([...row.ids]).toEqual([...whole, llama.eosTokenId]);
    expect([...row.labels]).toEqual([...row.ids]);
    expect(row.cut).toBe(false);
  });

  it('is cut on the right and has no EOS then', () => {
    const row = encodeRow(text('the scion and the stock'), llama, { ...causal, maxLength: whole.length });
    expect([...row.ids]).toEqual(whole);
    expect(row.cut).toBe(true);
  });

  it('is cut before the special token with which the tokenizer closes it', () => {
    const options = { ...causal, maxLength: 5, taskType: 'SEQ_CLS' } as const;
    const record: DataRecord = {
      kind: 'labelled',
      text: 'the scion and the stock heal',
      textPair: undefined,
      label: 1,
      place,
    };
    const full = bert.encode('the scion and the stock heal');
    const row = encodeRow(record, bert, options);
    expect([...row.ids]).toEqual([...full.slice(0, 4), full.at(-1)]);
    expect(row.cut).toBe(true);
    const withEos = load('bertUncased', { eos_token: '[MASK]' });
    const causalRow = encodeRow(text('the scion and the stock heal'), withEos, { ...causal, maxLength: 5 });
    expect([...causalRow.ids]).toEqual([...row.ids]);
  });

  it('gets no second EOS where the tokenizer closes with it', () => {
    const closing = load('bertUncased', { eos_token: '[SEP]' });
    const row = encodeRow(text('the stock'), closing, causal);
    expect([...row.ids]).toEqual(closing.encode('the stock'));
    const cut = encodeRow(text('the stock'), closing, { ...causal, maxLength: row.ids.length - 1 });
    expect([...cut.ids]).toEqual([...row.ids.subarray(0, -1)]);
  });
});

describe('prompt and completion', () => {
  const record: DataRecord = { kind: 'promptCompletion', prompt: 'the scion', completion: ' heals 漢!', place };

  it('are encoded as one text, with EOS, and learned from the completion on', () => {
    const row = encodeRow(record, llama, causal);
    expect([...row.ids]).toEqual([...llama.encode('the scion heals 漢!'), llama.eosTokenId]);
    expect(learned(llama, row)).toBe(' heals 漢!<|eot_id|>');
  });

  it('are learned whole on request', () => {
    const row = encodeRow(record, llama, { ...causal, lossOn: 'all' });
    expect([...row.labels]).toEqual([...row.ids]);
  });

  it('learn a token that straddles the boundary', () => {
    const row = encodeRow({ ...record, prompt: 'the scion ', completion: 'and' }, llama, causal);
    const ids = llama.encode('the scion and', { addSpecialTokens: false });
    expect(llama.tokenText(ids.at(-1)!)).toMatch(/^Ġa/);
    expect(learned(llama, row)).toBe(' and<|eot_id|>');
  });
});

describe('conversations', () => {
  const chat = read<Chat>('chat');

  it.each(['chatml', 'headers'])('have the labels of the replies that Transformers finds: %s', (name) => {
    const { template, config, cases } = chat.templates[name]!;
    const tokenizer = loadTokenizer({
      tokenizerJson: chat.tokenizer,
      tokenizerConfig: { ...config, chat_template: template },
    });
    const masked = cases.filter(({ mask }) => mask);
    expect(masked.length).toBeGreaterThan(5);
    for (const { messages, mask } of masked) {
      const { ids, labels } = encodeRow({ kind: 'messages', messages, tools: undefined, place }, tokenizer, causal);
      expect(Array.from(labels, (label) => (label === -100 ? 0 : 1))).toEqual(mask);
      expect(Array.from(labels, (label, i) => label === -100 || label === ids[i])).not.toContain(false);
    }
  });

  it('of Alpaca go through the template where there is one, else into the Alpaca prompt', () => {
    const record: DataRecord = {
      kind: 'instruction',
      instruction: 'Name it.',
      input: 'M9',
      output: 'a stock',
      system: undefined,
      place,
    };
    const { template } = chat.templates['chatml']!;
    const tokenizer = loadTokenizer({ tokenizerJson: chat.tokenizer, tokenizerConfig: { chat_template: template } });
    const row = encodeRow(record, tokenizer, causal);
    expect(row.text).toContain('<|im_start|>user\nName it.\nM9<|im_end|>');
    expect(learned(tokenizer, row)).toBe('a stock<|im_end|>');
    const plain = encodeRow(record, llama, causal);
    expect(plain.text).toMatch(/### Instruction:\nName it\.\n\n### Input:\nM9\n\n### Response:\na stock$/);
    expect(learned(llama, plain)).toBe('a stock<|eot_id|>');
  });

  it('are refused without a template, with what to do', () => {
    const record: DataRecord = {
      kind: 'messages',
      messages: [{ role: 'user', content: 'x' }],
      tools: undefined,
      place,
    };
    expect(() => encodeRow(record, llama, causal)).toThrow(/no chat template.*tokenizer_config\.json/);
  });
});

it('shows where each token is in the text', () => {
  const row = encodeRow(text('the scion'), llama, causal);
  const parts = Array.from(row.ids, (_, i) => row.text.slice(row.starts[i], row.ends[i]));
  expect(parts.join('')).toBe('the scion');
  expect([parts[0], parts.at(-1)]).toEqual(['', '']);
});
