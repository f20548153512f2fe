import { describe, expect, it } from 'vitest';
import { UserError } from '../formats/errors.ts';
import { loadTokenizer } from './tokenizer.ts';

const wordLevel = { type: 'WordLevel', vocab: { '[UNK]': 0, a: 1, b: 2, '-': 3 }, unk_token: '[UNK]' };
const load = (parts: object): ReturnType<typeof loadTokenizer> =>
  loadTokenizer({ tokenizerJson: { model: wordLevel, ...parts } });

describe('tokenizer.json', () => {
  it.each([
    ['the normalizer Nmt', { normalizer: { type: 'Nmt' } }],
    ['precompiled_charsmap', { normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAAA' } }],
    [
      'the pre-tokenizer UnicodeScripts',
      { pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'UnicodeScripts' }] } },
    ],
    ['\\G', { pre_tokenizer: { type: 'Split', pattern: { Regex: '\\Ga' }, behavior: 'Isolated', invert: false } }],
    [
      'the behaviour of Split Shuffled',
      { pre_tokenizer: { type: 'Split', pattern: { String: 'a' }, behavior: 'Shuffled' } },
    ],
    ['the decoder CTC', { decoder: { type: 'CTC' } }],
    ['dropout', { model: { type: 'BPE', vocab: { a: 0 }, merges: [], dropout: 0.1 } }],
    [
      'continuing_subword_prefix',
      { model: { type: 'BPE', vocab: { a: 0 }, merges: [], continuing_subword_prefix: '##' } },
    ],
    ['the model Oracle', { model: { type: 'Oracle' } }],
  ])('is refused by name for %s', (name, parts) => {
    expect(() => load(parts)).toThrow(UserError);
    expect(() => load(parts)).toThrow(name);
  });

  it('gives its lengths no say: truncation and padding are left out', () => {
    const tokenizer = load({
      truncation: { max_length: 1, strategy: 'LongestFirst', stride: 0, direction: 'Right' },
      padding: { strategy: { Fixed: 9 }, direction: 'Right', pad_id: 0, pad_type_id: 0, pad_token: '[UNK]' },
      pre_tokenizer: { type: 'WhitespaceSplit' },
    });
    expect(tokenizer.encode('a b a')).toEqual([1, 2, 1]);
  });
});

describe('special tokens', () => {
  const tokenizerJson = {
    model: wordLevel,
    pre_tokenizer: { type: 'Whitespace' },
    added_tokens: [{ id: 4, content: '<end>', special: true }],
  };

  it('come from tokenizer_config.json, as text or as an object, before config.json', () => {
    const tokenizer = loadTokenizer({
      tokenizerJson,
      tokenizerConfig: { eos_token: { content: '<end>' }, bos_token: 'b' },
      configIds: { eosTokenId: 1, padTokenId: 2 },
    });
    expect(tokenizer).toMatchObject({ eosTokenId: 4, bosTokenId: 2, padTokenId: 2 });
  });

  it('that only the configuration names are found in text all the same', () => {
    const tokenizer = loadTokenizer({
      tokenizerJson,
      tokenizerConfig: { eos_token: 'b', added_tokens_decoder: { 7: { content: '<x>' } } },
    });
    expect(tokenizer.encode('a<x>ab')).toEqual([1, 7, 1, 2]);
    expect(tokenizer.isSpecial(2)).toBe(true);
    expect(tokenizer.isSpecial(7)).toBe(false);
    expect(tokenizer.vocabSize).toBe(8);
  });

  it('have empty spans where the tokenizer puts them around a text', () => {
    const { ids, starts, ends } = loadTokenizer({
      tokenizerJson: { ...tokenizerJson, post_processor: { type: 'BertProcessing', cls: ['-', 3], sep: ['<end>', 4] } },
    }).encodeWithOffsets('a b');
    expect({ ids, starts, ends }).toEqual({ ids: [3, 1, 2, 4], starts: [0, 0, 2, 3], ends: [0, 1, 3, 3] });
  });
});

describe('token bytes', () => {
  it('are those of the text a token stands for', () => {
    const bpe = { type: 'BPE', vocab: { '▁a': 0, '<0xE2>': 1, é: 2 }, merges: [], byte_fallback: true };
    const pieces = load({ model: bpe });
    expect([0, 1, 2, 9].map((id) => [...pieces.tokenBytes(id)])).toEqual([[32, 97], [0xe2], [0xc3, 0xa9], []]);
    const bytes = load({
      model: { type: 'BPE', vocab: { Ġa: 0, â: 1, é: 2 }, merges: [] },
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false },
      added_tokens: [{ id: 2, content: 'é' }],
    });
    expect([0, 1, 2].map((id) => [...bytes.tokenBytes(id)])).toEqual([[32, 97], [0xe2], [0xc3, 0xa9]]);
  });
});
