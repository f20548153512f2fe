import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tokenizerFromGguf } from './ggufTokenizer.ts';
import { loadTokenizer } from './tokenizer.ts';

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../tests/fixtures/tokenizer/${name}.json`, import.meta.url), 'utf8')) as T;
const strings = read<string[]>('strings');

interface Shape {
  tokenizer: {
    model: { vocab: Record<string, number>; merges: [string, string][] };
    added_tokens: { id: number; content: string; special: boolean }[];
  };
  prefix: number[];
  ids: number[][];
}

interface Kind {
  readonly tokens: string[];
  readonly scores: number[];
  readonly types: number[];
  readonly ids: number[][];
  readonly decoded: (string | null)[];
}

/** The header that a converter to GGUF writes for a byte-level tokenizer.json. */
function headerOf({ model, added_tokens: added }: Shape['tokenizer'], pre: string): Map<string, unknown> {
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(model.vocab)) tokens[id] = token;
  const types = new Int32Array(tokens.length).fill(1);
  for (const { id, content, special } of added) {
    if (!special || content.startsWith('@@')) continue;
    tokens[id] = content;
    types[id] = 3;
  }
  return new Map<string, unknown>([
    ['tokenizer.ggml.model', 'gpt2'],
    ['tokenizer.ggml.pre', pre],
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.token_type', types],
    ['tokenizer.ggml.merges', model.merges.map((pair) => pair.join(' '))],
    ['tokenizer.ggml.bos_token_id', 0],
    ['tokenizer.ggml.eos_token_id', 1],
    ['tokenizer.chat_template', '{{ bos_token }}{{ messages[0].content }}'],
  ]);
}

describe('a tokenizer rebuilt from a GGUF header', () => {
  it.each([
    ['smollm2', 'smollm'],
    ['llama3', 'llama-bpe'],
    ['qwen2', 'qwen2'],
    ['gpt2', 'gpt-2'],
    ['bloom', 'bloom'],
  ])('gives the ids of the original: %s', (shape, pre) => {
    const { tokenizer: original, ids } = read<Shape>(shape);
    const tokenizer = loadTokenizer(tokenizerFromGguf(headerOf(original, pre)));
    const kept = strings.map((text, i) => ({ text, ids: ids[i] })).filter(({ text }) => !text.includes('@@'));
    expect(kept.map(({ text }) => tokenizer.encode(text, { addSpecialTokens: false }))).toEqual(
      kept.map((entry) => entry.ids),
    );
  });

  it('merges a SentencePiece vocabulary by its scores', () => {
    const fixture = read<{ tokens: string[]; scores: number[]; ids: number[][]; decoded: (string | null)[] }>(
      'sentencepiece',
    );
    const tokenizer = loadTokenizer(
      tokenizerFromGguf(
        new Map<string, unknown>([
          ['general.architecture', 'llama'],
          ['tokenizer.ggml.model', 'llama'],
          ['tokenizer.ggml.tokens', fixture.tokens],
          ['tokenizer.ggml.scores', fixture.scores],
          ['tokenizer.ggml.token_type', fixture.tokens.map((_, id) => (id === 1 || id === 2 ? 3 : 1))],
          ['tokenizer.ggml.bos_token_id', 1],
          ['tokenizer.ggml.eos_token_id', 2],
          ['tokenizer.ggml.unknown_token_id', 0],
        ]),
      ),
    );
    expect(strings.map((text) => tokenizer.encode(text, { addSpecialTokens: false }))).toEqual(fixture.ids);
    expect(fixture.ids.map((ids) => tokenizer.decode(ids))).toEqual(
      fixture.decoded.map((text, i) => text ?? strings[i]),
    );
    expect(tokenizer.encode('bud')[0]).toBe(1);
  });

  it.each(['phi3', 'gemma3'])('has its spaces where the architecture %s has them', (architecture) => {
    const kinds = read<Record<string, Kind>>('sentencepieceKinds');
    const { tokens, scores, types, ids, decoded } = kinds[architecture]!;
    const header = new Map<string, unknown>([
      ['general.architecture', architecture],
      ['tokenizer.ggml.model', 'llama'],
      ['tokenizer.ggml.tokens', tokens],
      ['tokenizer.ggml.scores', scores],
      ['tokenizer.ggml.token_type', types],
      ['tokenizer.ggml.bos_token_id', 1],
      ['tokenizer.ggml.eos_token_id', 2],
      ['tokenizer.ggml.unknown_token_id', 0],
      ['tokenizer.ggml.add_space_prefix', false],
    ]);
    const tokenizer = loadTokenizer(tokenizerFromGguf(header));
    expect(strings.map((text) => tokenizer.encode(text, { addSpecialTokens: false }))).toEqual(ids);
    expect(ids.map((row) => tokenizer.decode(row))).toEqual(decoded.map((text, i) => text ?? strings[i]));
    expect(tokenizer.encode('bud')[0]).toBe(1);
  });

  it('takes special tokens and the chat template from the header', () => {
    const header = headerOf(read<Shape>('llama3').tokenizer, 'llama-bpe');
    const tokenizer = loadTokenizer(tokenizerFromGguf(header));
    expect(tokenizer.bosTokenId).toBe(0);
    expect(tokenizer.eosTokenId).toBe(1);
    expect(tokenizer.prefixIds).toEqual([0]);
    expect(tokenizer.chat?.render([{ role: 'user', content: 'x' }])).toBe('<|begin_of_text|>x');
    header.set('tokenizer.ggml.add_bos_token', false).set('tokenizer.ggml.add_eos_token', true);
    const other = loadTokenizer(tokenizerFromGguf(header));
    expect([other.prefixIds, other.suffixIds]).toEqual([[], [1]]);
  });

  it('refuses by name what cannot be rebuilt', () => {
    const header = headerOf(read<Shape>('smollm2').tokenizer, 'chameleon');
    expect(() => tokenizerFromGguf(header)).toThrow(/"chameleon".*tokenizer\.json/);
    header.set('tokenizer.ggml.model', 'rwkv');
    expect(() => tokenizerFromGguf(header)).toThrow(/rwkv/);
  });
});
