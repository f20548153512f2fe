import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../tokenizer/tokenizer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { encodeRow } from './encodeRow.ts';
import type { EncodeRowOptions } from './encodeRow.ts';
import { resolveLabels } from './labels.ts';
import type { DataRecord } from './records.ts';

const read = <T>(path: string): T =>
  JSON.parse(readFileSync(new URL(`../../tests/fixtures/${path}.json`, import.meta.url), 'utf8')) as T;
const load = (shape: string): Tokenizer =>
  loadTokenizer({ tokenizerJson: read<{ tokenizer: unknown }>(`tokenizer/${shape}`).tokenizer });

interface Tasks {
  words: Record<string, { tokens: string[]; maxLength: number; ids: number[]; wordIds: number[] }[]>;
  pairs: Record<string, { text: string; textPair: string; maxLength: number; ids: number[]; typeIds: number[] }[]>;
}
const fixtures = read<Tasks>('data/tasks');
const place = { unit: 'line', number: 1 } as const;
const base = { maxLength: 64, lossOn: 'replies' } as const;
const bert = load('bertUncased');

describe.each(Object.keys(fixtures.words))('words with labels, tokenizer %s', (shape) => {
  const tokenizer = load(shape);

  it("have the ids of Transformers' is_split_into_words, and their label on the first token", () => {
    for (const { tokens, maxLength, ids, wordIds } of fixtures.words[shape]!) {
      const labels = tokens.map((_, word) => word);
      const scheme = resolveLabels([{ label: labels, where: '' }], undefined, true);
      const options: EncodeRowOptions = { ...base, maxLength, taskType: 'TOKEN_CLS', labels: scheme };
      const row = encodeRow({ kind: 'tokens', tokens, labels, place }, tokenizer, options);
      expect([...row.ids]).toEqual(ids);
      expect([...row.labels]).toEqual(wordIds.map((word, i) => (word >= 0 && word !== wordIds[i - 1] ? word : -100)));
      expect(row.target).toEqual({ kind: 'tokenClasses' });
    }
  });
});

it('shows each word where it stands in the words joined', () => {
  const options: EncodeRowOptions = { ...base, taskType: 'TOKEN_CLS', labels: resolveLabels([], undefined, true) };
  const tokens = ['The', 'scion', '漢'];
  const row = encodeRow({ kind: 'tokens', tokens, labels: [0, 1, 0], place }, bert, options);
  const parts = Array.from(row.ids, (_, i) => row.text.slice(row.starts[i], row.ends[i]));
  expect(parts.join('')).toBe('Thescion漢');
});

describe.each(Object.keys(fixtures.pairs))('pairs of texts, tokenizer %s', (shape) => {
  const tokenizer = load(shape);

  it("are cut as Transformers' truncation=True cuts them", () => {
    for (const { text, textPair, maxLength, ids, typeIds } of fixtures.pairs[shape]!) {
      const record: DataRecord = { kind: 'labelled', text, textPair, label: 1, place };
      const row = encodeRow(record, tokenizer, { ...base, maxLength, taskType: 'SEQ_CLS' });
      expect([[...row.ids], [...row.typeIds!]]).toEqual([ids, typeIds]);
      expect(row.cut).toBe(maxLength < 64 && tokenizer.encodePair(text, textPair).ids.length > maxLength);
    }
  });
});

describe('classified texts', () => {
  const options: EncodeRowOptions = {
    ...base,
    taskType: 'SEQ_CLS',
    labels: resolveLabels(['bad', 'good'].map((label) => ({ label, where: '' }))),
  };

  it('have their class as the target, and no labels by token', () => {
    const record: DataRecord = { kind: 'labelled', text: 'the stock', textPair: undefined, label: 'good', place };
    const row = encodeRow(record, bert, options);
    expect(row.target).toEqual({ kind: 'class', classId: 1 });
    expect([...row.ids]).toEqual(bert.encode('the stock'));
    expect(new Set(row.labels)).toEqual(new Set([-100]));
  });

  it('may lack a label where they are only to be classified', () => {
    const row = encodeRow({ kind: 'text', text: 'the stock', place }, bert, options);
    expect([...row.ids]).toEqual(bert.encode('the stock'));
    expect(row.target).toBeUndefined();
  });
});

describe('source and target', () => {
  const tokenizer = load('unigram');
  const options: EncodeRowOptions = { ...base, taskType: 'SEQ_2_SEQ_LM', decoderStartTokenId: 0 };
  const record: DataRecord = { kind: 'promptCompletion', prompt: 'the scion', completion: 'heals', place };

  it('are encoded each with the special tokens of the tokenizer', () => {
    const row = encodeRow(record, tokenizer, options);
    expect([...row.ids]).toEqual(tokenizer.encode('the scion'));
    expect(row.target).toEqual({
      kind: 'sequence',
      ids: Uint32Array.from(tokenizer.encode('heals')),
      decoderStartTokenId: 0,
    });
  });

  it('are cut each by itself, before the token that closes them', () => {
    const row = encodeRow(record, tokenizer, { ...options, maxLength: 2 });
    const closing = tokenizer.suffixIds.at(-1);
    expect([...row.ids]).toEqual([tokenizer.encode('the scion')[0], closing]);
    expect(row.target).toMatchObject({ ids: Uint32Array.of(tokenizer.encode('heals')[0]!, closing!) });
    expect(row.cut).toBe(true);
  });

  it('come of instructions and of conversations with one reply', () => {
    const instruction = { instruction: 'Name it.', input: 'M9', output: 'a stock', system: undefined };
    expect(encodeRow({ kind: 'instruction', ...instruction, place }, tokenizer, options).text).toBe('Name it.\nM9');
    const turns = ['user', 'assistant', 'user', 'assistant'].map((role) => ({ role, content: role }));
    const chat = (count: number): DataRecord => ({
      kind: 'messages',
      messages: turns.slice(0, count),
      tools: undefined,
      place,
    });
    expect(encodeRow(chat(2), tokenizer, options).text).toBe('user');
    expect(() => encodeRow(chat(4), tokenizer, options)).toThrow('one reply');
  });
});
