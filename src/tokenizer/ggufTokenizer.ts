import { UserError } from '../formats/errors.ts';
import type { TokenizerFiles } from './tokenizer.ts';
import { gpt2Pattern } from './patterns.ts';

/** The key-value part of a GGUF header: strings, numbers, booleans, and arrays of them. */
export type GgufMetadata = ReadonlyMap<string, unknown>;

/** ggml's token types (llama.h); the others are ordinary or never met in text. */
const controlToken = 3;
const userDefinedToken = 4;

const letters = String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`;
const punctuationAndSpace = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const llama3Pattern = String.raw`${contractions}|${letters}|\p{N}{1,3}|${punctuationAndSpace}`;
const qwen2Pattern = String.raw`${contractions}|${letters}|\p{N}|${punctuationAndSpace}`;
const upperThenLower = String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`;
const upperOnly = String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`;
const tekkenPattern = String.raw`${upperThenLower}|${upperOnly}|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

const bloomPattern = String.raw` ?[^(\s|[.,!?…。，、।۔،])]+`;

const byteLevelNode = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false } as const;

/** How a byte-level vocabulary splits text, by its name in tokenizer.ggml.pre. */
interface Splitting {
  readonly patterns: readonly string[];
  readonly normalizer?: { readonly type: 'NFC' };
  /** whole words in the vocabulary are taken without merging */
  readonly ignoreMerges?: boolean;
  /** where the file does not say */
  readonly addsBos?: boolean;
}

const gpt2: Splitting = { patterns: [gpt2Pattern] };
const llama3: Splitting = { patterns: [llama3Pattern], ignoreMerges: true, addsBos: true };
const qwen2: Splitting = { patterns: [qwen2Pattern], normalizer: { type: 'NFC' } };

const splittings: Readonly<Record<string, Splitting>> = {
  default: gpt2,
  'gpt-2': gpt2,
  bloom: { patterns: [bloomPattern] },
  smollm: { patterns: ['\\p{N}', gpt2Pattern] },
  'llama-bpe': llama3,
  'llama-v3': llama3,
  llama3,
  qwen2,
  'deepseek-r1-qwen': qwen2,
  tekken: { patterns: [tekkenPattern], ignoreMerges: true, addsBos: true },
};

/**
 * Rebuilds tokenizer.json and tokenizer_config.json from a GGUF header's tokenizer.* fields, for loadTokenizer. Byte-level
 * vocabularies (model gpt2) carry their merges; those of SentencePiece (model llama) get them from the scores, as
 * Transformers' converter does. Throws a UserError naming a vocabulary or a splitting that cannot be rebuilt exactly.
 */
export function tokenizerFromGguf(metadata: GgufMetadata): TokenizerFiles {
  const model = metadata.get('tokenizer.ggml.model');
  const tokens = strings(metadata, 'tokenizer.ggml.tokens');
  const built =
    model === 'gpt2' ? byteLevel(metadata, tokens) : model === 'llama' ? sentencePiece(metadata, tokens) : undefined;
  if (!built) {
    throw new UserError(
      `This GGUF file's tokenizer is of the kind ${String(model)}, which cannot be rebuilt exactly. ` +
        'Put the tokenizer.json of the original model beside it and open the folder of both.',
    );
  }
  const named = namedTokens(metadata, tokens);
  const chatTemplate = metadata.get('tokenizer.chat_template');
  return {
    tokenizerJson: {
      ...built.json,
      added_tokens: addedTokens(metadata, tokens, built.tokens),
      post_processor: template(metadata, built.addsBos, named),
    },
    tokenizerConfig: Object.fromEntries(Object.entries(named).map(([name, { content }]) => [name, content])),
    ...(typeof chatTemplate === 'string' ? { chatTemplate } : {}),
  };
}

interface Built {
  readonly json: Readonly<Record<string, unknown>>;
  readonly addsBos: boolean;
  /** the vocabulary by id, as the tokenizer spells it */
  readonly tokens: readonly string[];
}

function byteLevel(metadata: GgufMetadata, tokens: readonly string[]): Built {
  const pre = metadata.get('tokenizer.ggml.pre') ?? 'default';
  const splitting = typeof pre === 'string' && Object.hasOwn(splittings, pre) ? splittings[pre] : undefined;
  if (!splitting) {
    throw new UserError(
      `This GGUF file splits text in the way "${String(pre)}", which is not known here. ` +
        'Put the tokenizer.json of the original model beside it and open the folder of both.',
    );
  }
  const splits = splitting.patterns.map((pattern) => ({
    type: 'Split',
    pattern: { Regex: pattern },
    behavior: 'Isolated',
    invert: false,
  }));
  return {
    addsBos: splitting.addsBos ?? false,
    tokens,
    json: {
      normalizer: splitting.normalizer ?? null,
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [...splits, { ...byteLevelNode, use_regex: false }],
      },
      model: {
        type: 'BPE',
        vocab: vocabulary(tokens),
        merges: strings(metadata, 'tokenizer.ggml.merges'),
        ignore_merges: splitting.ignoreMerges ?? false,
      },
      decoder: { ...byteLevelNode, use_regex: true },
    },
  };
}

/** Where a SentencePiece vocabulary has its spaces: Transformers rebuilds each architecture's otherwise. */
interface Spacing {
  readonly normalizer: unknown;
  readonly preTokenizer: unknown;
  /** the decoder takes the space in front of a text away */
  readonly strips: boolean;
}

const spacesMarked = { type: 'Replace', pattern: { String: ' ' }, content: '▁' } as const;

function spacingOf(architecture: string, prefixes: boolean): Spacing {
  if (isGemma(architecture))
    return {
      normalizer: spacesMarked,
      preTokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false },
      strips: false,
    };
  if (architecture === 'phi3')
    return {
      normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, spacesMarked] },
      preTokenizer: null,
      strips: true,
    };
  const prepend_scheme = prefixes ? 'first' : 'never';
  return {
    normalizer: null,
    preTokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme, split: false },
    strips: prefixes,
  };
}

/** Gemma's files hold tokens of spaces as such, and in the order in which they merge, which their scores do not tell. */
function isGemma(architecture: string): boolean {
  return architecture.startsWith('gemma');
}

function sentencePiece(metadata: GgufMetadata, stored: readonly string[]): Built {
  const architecture = String(metadata.get('general.architecture'));
  const prefixes = metadata.get('tokenizer.ggml.add_space_prefix') !== false;
  const { normalizer, preTokenizer, strips } = spacingOf(architecture, prefixes);
  const tokens = isGemma(architecture) ? stored.map((token) => token.replace(/^ +$/, markSpaces)) : stored;
  const scores = () =>
    isGemma(architecture) ? tokens.map((_, id) => -id) : numbers(metadata, 'tokenizer.ggml.scores');
  const strip = { type: 'Strip', content: ' ', start: 1, stop: 0 };
  const decoders = [
    { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
    ...(strips ? [strip] : []),
  ];
  return {
    addsBos: true,
    tokens,
    json: {
      normalizer,
      pre_tokenizer: preTokenizer,
      model: {
        type: 'BPE',
        vocab: vocabulary(tokens),
        merges: metadata.has('tokenizer.ggml.merges')
          ? strings(metadata, 'tokenizer.ggml.merges')
          : mergesFromScores(tokens, scores()),
        unk_token: stored[tokenId(metadata, 'unknown') ?? 0],
        fuse_unk: true,
        byte_fallback: true,
      },
      decoder: { type: 'Sequence', decoders },
    },
  };
}

function markSpaces(spaces: string): string {
  return '▁'.repeat(spaces.length);
}

/**
 * The merges that make BPE choose as SentencePiece does: every way to put a token together from two others, best score
 * first, then the longest left part, then the longest right part.
 */
function mergesFromScores(tokens: readonly string[], scores: readonly number[]): [string, string][] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges: { left: string; right: string; score: number; leftLength: number; length: number }[] = [];
  for (const [token, id] of ids) {
    const chars = Array.from(token);
    const ways = chars.slice(1).flatMap((_, index) => {
      const left = chars.slice(0, index + 1).join('');
      const right = token.slice(left.length);
      if (!ids.has(left) || !ids.has(right)) return [];
      return [{ left, right, score: scores[id] ?? 0, leftLength: index + 1, length: chars.length }];
    });
    ways.sort((a, b) => ids.get(a.left)! - ids.get(b.left)! || ids.get(a.right)! - ids.get(b.right)!);
    merges.push(...ways);
  }
  merges.sort(
    (a, b) => b.score - a.score || b.leftLength - a.leftLength || b.length - b.leftLength - (a.length - a.leftLength),
  );
  return merges.map(({ left, right }) => [left, right]);
}

function vocabulary(tokens: readonly string[]): Record<string, number> {
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

/** Tokens that stand whole in a text; not those that the vocabulary spells otherwise than the file. */
function addedTokens(metadata: GgufMetadata, tokens: readonly string[], spelled: readonly string[]): unknown[] {
  if (!metadata.has('tokenizer.ggml.token_type')) return [];
  return numbers(metadata, 'tokenizer.ggml.token_type').flatMap((type, id) => {
    if ((type !== controlToken && type !== userDefinedToken) || tokens[id] !== spelled[id]) return [];
    const exact = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return [{ id, content: tokens[id], ...exact, special: type === controlToken }];
  });
}

interface NamedToken {
  readonly id: number;
  readonly content: string;
}

type NamedTokenField = 'bos_token' | 'eos_token' | 'unk_token' | 'pad_token';

function namedTokens(metadata: GgufMetadata, tokens: readonly string[]): Partial<Record<NamedTokenField, NamedToken>> {
  const fields = { bos_token: 'bos', eos_token: 'eos', unk_token: 'unknown', pad_token: 'padding' } as const;
  const named: Partial<Record<NamedTokenField, NamedToken>> = {};
  for (const field of Object.keys(fields) as NamedTokenField[]) {
    const id = tokenId(metadata, fields[field]);
    const content = id === undefined ? undefined : tokens[id];
    if (id !== undefined && content !== undefined) named[field] = { id, content };
  }
  return named;
}

function tokenId(metadata: GgufMetadata, name: 'bos' | 'eos' | 'unknown' | 'padding'): number | undefined {
  const id = metadata.get(`tokenizer.ggml.${name}_token_id`);
  return typeof id === 'number' || typeof id === 'bigint' ? Number(id) : undefined;
}

function template(
  metadata: GgufMetadata,
  addsBos: boolean,
  { bos_token: bos, eos_token: eos }: Partial<Record<NamedTokenField, NamedToken>>,
): unknown {
  const special = ({ content }: NamedToken, typeId: number): unknown => ({
    SpecialToken: { id: content, type_id: typeId },
  });
  const around = (sequence: 'A' | 'B', typeId: number): unknown[] => {
    const items: unknown[] = [{ Sequence: { id: sequence, type_id: typeId } }];
    if (bos && (metadata.get('tokenizer.ggml.add_bos_token') ?? addsBos) === true) items.unshift(special(bos, typeId));
    if (eos && metadata.get('tokenizer.ggml.add_eos_token') === true) items.push(special(eos, typeId));
    return items;
  };
  const tokens = [bos, eos].flatMap((token) => (token ? [[token.content, specialToken(token)] as const] : []));
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: Object.fromEntries(tokens),
  };
}

/** As tokenizers writes it: Rust refuses a file that leaves a field out. */
function specialToken({ id, content }: NamedToken): unknown {
  return { id: content, ids: [id], tokens: [content] };
}

function list(metadata: GgufMetadata, key: string): unknown[] {
  const value = metadata.get(key);
  if (Array.isArray(value)) return value;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return Array.from(value as unknown as ArrayLike<unknown>);
  throw new UserError(
    `This GGUF file has no list ${key}, so its tokenizer cannot be rebuilt. Put the tokenizer.json of the original model beside it and open the folder of both.`,
  );
}

function strings(metadata: GgufMetadata, key: string): string[] {
  return list(metadata, key).map(String);
}

function numbers(metadata: GgufMetadata, key: string): number[] {
  return list(metadata, key).map(Number);
}
