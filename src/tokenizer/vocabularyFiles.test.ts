import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from './tokenizer.ts';
import { tokenizerJsonOf } from './vocabularyFiles.ts';

interface Fixture {
  tokenizer: { model: { vocab: Record<string, number>; merges: [string, string][] } };
  prefix: number[];
  suffix: number[];
  ids: number[][];
  pair: { ids: number[]; typeIds: number[] };
}
const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../tests/fixtures/tokenizer/${name}.json`, import.meta.url), 'utf8')) as T;
const strings = read<string[]>('strings');
/** tokens that these files have no place for */
const isPlain = (text: string): boolean => !/@@|<mask>/.test(text);

function expectIds(name: string, json: unknown): void {
  const { ids, prefix, suffix, pair } = read<Fixture>(name);
  const tokenizer = loadTokenizer({ tokenizerJson: json });
  const wrong = strings.filter((text, i) => {
    const wanted = [...prefix, ...ids[i]!, ...suffix];
    return isPlain(text) && String(tokenizer.encode(text)) !== String(wanted);
  });
  expect(wrong).toEqual([]);
  expect(tokenizer.encodePair('the stock', 'of quince')).toEqual(pair);
}

describe('a tokenizer made of older files', () => {
  it.each([
    ['bertUncased', {}],
    ['bertCased', { do_lower_case: false }],
  ])('vocab.txt, %s', (name, config) => {
    const { vocab } = read<Fixture>(name).tokenizer.model;
    const vocabTxt = Object.keys(vocab).sort((a, b) => vocab[a]! - vocab[b]!);
    expectIds(name, tokenizerJsonOf({ vocabTxt: `${vocabTxt.join('\n')}\n` }, config));
  });

  it.each([
    ['roberta', { add_prefix_space: true }],
    ['gpt2', {}],
  ])('vocab.json and merges.txt, %s', (name, config) => {
    const { vocab, merges } = read<Fixture>(name).tokenizer.model;
    const mergesTxt = `#version: 0.2\n${merges.map((pair) => pair.join(' ')).join('\n')}\n`;
    expectIds(name, tokenizerJsonOf({ vocabJson: vocab, mergesTxt }, config));
  });

  it('is none where there are none, and refused where they are of another kind', () => {
    expect(tokenizerJsonOf({ vocabJson: { a: 0 } }, undefined)).toBeUndefined();
    expect(() => tokenizerJsonOf({ vocabTxt: 'a\nb\n' }, undefined)).toThrow('vocab.txt has no [UNK]');
  });
});
