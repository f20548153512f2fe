import { UserError } from '../formats/errors.ts';
import { arrayAt, integerAt, isObject, objectAt, stringAt } from './json.ts';
import type { JsonObject } from './json.ts';
import { gpt2Pattern, whitespacePattern, wordCharacters } from './patterns.ts';
import type { PatternNode } from './patterns.ts';
import { readModel } from './readModel.ts';
import { readPostProcessor } from './readPostProcessor.ts';
import type {
  AddedToken,
  DecoderNode,
  NormalizerNode,
  PreTokenizerNode,
  SplitBehavior,
  TokenizerJson,
} from './tokenizerJson.ts';
import { punctuationPattern } from './olderUnicode.ts';

/**
 * Reads a tokenizer.json into the few kinds of node that are reproduced exactly, rewriting the others in terms of them:
 * ByteLevel with use_regex is a Split by GPT-2's pattern and then bytes; Digits, Punctuation, Whitespace, WhitespaceSplit,
 * CharDelimiterSplit and BertPreTokenizer are Splits by the character classes that Rust's tokenizers uses. `truncation`
 * and `padding` are left out: lengths are the run's business. Throws a UserError that names what cannot be reproduced.
 */
export function normalizeTokenizerJson(json: unknown): TokenizerJson {
  const root = objectAt(json, 'tokenizer.json');
  const addedTokens = arrayAt(root['added_tokens'], 'tokenizer.json: added_tokens').map(readAddedToken);
  const model = readModel(objectAt(root['model'], 'tokenizer.json: model'));
  return {
    addedTokens,
    normalizers: flatten(root['normalizer'], 'normalizers', 'normalizer').map(readNormalizer),
    preTokenizers: flatten(root['pre_tokenizer'], 'pretokenizers', 'pre_tokenizer').flatMap(readPreTokenizer),
    model,
    postProcessor: readPostProcessor(root['post_processor'], (token) => {
      const added = addedTokens.find(({ content }) => content === token);
      return (
        added?.id ??
        (model.type === 'Unigram' ? model.vocab.findIndex(([piece]) => piece === token) : model.vocab[token])
      );
    }),
    decoders: isObject(root['decoder']) ? flatten(root['decoder'], 'decoders', 'decoder').map(readDecoder) : undefined,
  };
}

/** The nodes of a Sequence, nested ones included, in order; one node alone is a sequence of one. */
function flatten(node: unknown, listField: string, where: string): JsonObject[] {
  if (node === undefined || node === null) return [];
  const object = objectAt(node, `tokenizer.json: ${where}`);
  if (object['type'] !== 'Sequence') return [object];
  return arrayAt(object[listField], `tokenizer.json: ${where}`).flatMap((part) => flatten(part, listField, where));
}

function readAddedToken(value: unknown): AddedToken {
  const token = objectAt(value, 'tokenizer.json: an added token');
  const content = stringAt(token['content'], 'tokenizer.json: the content of an added token');
  const special = token['special'] === true;
  return {
    id: integerAt(token['id'], `tokenizer.json: the id of the added token ${content}`),
    content,
    singleWord: token['single_word'] === true,
    lstrip: token['lstrip'] === true,
    rstrip: token['rstrip'] === true,
    normalized: typeof token['normalized'] === 'boolean' ? token['normalized'] : !special,
    special,
  };
}

function readNormalizer(node: JsonObject): NormalizerNode {
  switch (node['type']) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
    case 'Lowercase':
    case 'StripAccents':
      return { type: node['type'] };
    case 'Strip':
      return { type: 'Strip', left: node['strip_left'] !== false, right: node['strip_right'] !== false };
    case 'Prepend':
      return { type: 'Prepend', prepend: stringAt(node['prepend'], 'tokenizer.json: Prepend') };
    case 'Replace':
      return {
        type: 'Replace',
        pattern: readPattern(node['pattern'], 'the normalizer Replace'),
        content: stringAt(node['content'], 'tokenizer.json: the content of Replace'),
      };
    case 'Precompiled':
      return {
        type: 'Precompiled',
        charsmap: stringAt(node['precompiled_charsmap'], 'tokenizer.json: the precompiled_charsmap of Precompiled'),
      };
    case 'BertNormalizer': {
      const lowercase = node['lowercase'] !== false;
      return {
        type: 'BertNormalizer',
        cleanText: node['clean_text'] !== false,
        handleChineseChars: node['handle_chinese_chars'] !== false,
        stripAccents: typeof node['strip_accents'] === 'boolean' ? node['strip_accents'] : lowercase,
        lowercase,
      };
    }
    default:
      return refuse('normalizer', node['type']);
  }
}

function readPreTokenizer(node: JsonObject): PreTokenizerNode[] {
  switch (node['type']) {
    case 'Split': {
      const behavior = readBehavior(node['behavior'], 'Split');
      return [split(readPattern(node['pattern'], 'the pre-tokenizer Split'), behavior, node['invert'] === true)];
    }
    case 'ByteLevel':
      return readByteLevel(node);
    case 'Metaspace':
      return [readMetaspace(node)];
    case 'FixedLength':
      return [{ type: 'FixedLength', length: integerAt(node['length'], 'tokenizer.json: the length of FixedLength') }];
    case 'Digits':
      return [split({ Regex: '\\p{N}' }, node['individual_digits'] === true ? 'Isolated' : 'Contiguous')];
    case 'Punctuation':
      return [split({ Regex: punctuationPattern }, readBehavior(node['behavior'] ?? 'Isolated', 'Punctuation'))];
    case 'Whitespace':
      return [split({ Regex: `[${wordCharacters}]+|[^${wordCharacters}${whitespacePattern}]+` }, 'Removed', true)];
    case 'WhitespaceSplit':
      return [split({ Regex: whitespacePattern }, 'Removed')];
    case 'CharDelimiterSplit':
      return [split({ String: stringAt(node['delimiter'], 'tokenizer.json: CharDelimiterSplit') }, 'Removed')];
    case 'BertPreTokenizer':
      return [split({ Regex: whitespacePattern }, 'Removed'), split({ Regex: punctuationPattern }, 'Isolated')];
    default:
      return refuse('pre-tokenizer', node['type']);
  }
}

function split(pattern: PatternNode, behavior: SplitBehavior, invert = false): PreTokenizerNode {
  return { type: 'Split', pattern, behavior, invert };
}

function readByteLevel(node: JsonObject): PreTokenizerNode[] {
  const nodes: PreTokenizerNode[] = [{ type: 'ByteLevel' }];
  if (node['use_regex'] !== false) nodes.unshift(split({ Regex: gpt2Pattern }, 'Isolated'));
  if (node['add_prefix_space'] === true) nodes.unshift({ type: 'Prefix', text: ' ' });
  return nodes;
}

function readMetaspace(node: JsonObject): PreTokenizerNode {
  const scheme = node['add_prefix_space'] === false ? 'never' : (node['prepend_scheme'] ?? 'always');
  if (scheme !== 'always' && scheme !== 'first' && scheme !== 'never')
    return refuse('prepend_scheme of Metaspace', scheme);
  const replacement = typeof node['replacement'] === 'string' ? node['replacement'] : '▁';
  return { type: 'Metaspace', replacement, prependScheme: scheme, split: node['split'] !== false };
}

/** Files spell behaviours in CamelCase; some older ones in snake_case. */
function readBehavior(value: unknown, where: string): SplitBehavior {
  const spelled = String(value).toLowerCase().replaceAll('_', '');
  const behaviors = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;
  return behaviors.find((name) => name.toLowerCase() === spelled) ?? refuse(`behaviour of ${where}`, value);
}

function readPattern(value: unknown, where: string): PatternNode {
  const pattern = objectAt(value, `tokenizer.json: the pattern of ${where}`);
  if (typeof pattern['Regex'] === 'string') return { Regex: pattern['Regex'] };
  return { String: stringAt(pattern['String'], `tokenizer.json: the pattern of ${where}`) };
}

function readDecoder(node: JsonObject): DecoderNode {
  switch (node['type']) {
    case 'ByteLevel':
    case 'ByteFallback':
    case 'Fuse':
      return { type: node['type'] };
    case 'WordPiece':
      return {
        type: 'WordPiece',
        prefix: stringAt(node['prefix'] ?? '##', 'tokenizer.json: the prefix of the WordPiece decoder'),
        cleanup: node['cleanup'] !== false,
      };
    case 'Metaspace': {
      const metaspace = readMetaspace(node);
      if (metaspace.type !== 'Metaspace') return refuse('decoder', node['type']);
      return { type: 'Metaspace', replacement: metaspace.replacement, dropsFirst: metaspace.prependScheme !== 'never' };
    }
    case 'BPEDecoder':
      return {
        type: 'BPEDecoder',
        suffix: stringAt(node['suffix'] ?? '</w>', 'tokenizer.json: the suffix of BPEDecoder'),
      };
    case 'Strip':
      return {
        type: 'Strip',
        content: stringAt(node['content'], 'tokenizer.json: the content of the Strip decoder'),
        start: integerAt(node['start'], 'tokenizer.json: the start of the Strip decoder'),
        stop: integerAt(node['stop'], 'tokenizer.json: the stop of the Strip decoder'),
      };
    case 'Replace':
      return {
        type: 'Replace',
        pattern: readPattern(node['pattern'], 'the decoder Replace'),
        content: stringAt(node['content'], 'tokenizer.json: the content of the decoder Replace'),
      };
    default:
      return refuse('decoder', node['type']);
  }
}

function refuse(part: string, name: unknown): never {
  throw new UserError(
    `tokenizer.json: the ${part} ${String(name)} cannot be reproduced exactly in a browser. ` +
      'Use a model whose tokenizer does without it.',
  );
}
