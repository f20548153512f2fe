import { UserError } from '../formats/errors.ts';
import { isObject } from './json.ts';
import type { JsonObject } from './json.ts';

/** The files of tokenizers that were saved before tokenizer.json. */
export interface VocabularyFiles {
  /** BERT's: a token a line */
  readonly vocabTxt?: string;
  /** GPT-2's and RoBERTa's: id by token, and the merges, a pair a line */
  readonly vocabJson?: unknown;
  readonly mergesTxt?: string;
}

/**
 * A tokenizer.json made of older files, as Transformers' BertTokenizer, GPT2Tokenizer and RobertaTokenizer make one; undefined
 * where there are none. RoBERTa's is told from GPT-2's by its <s> and </s>.
 */
export function tokenizerJsonOf(files: VocabularyFiles, tokenizerConfig: unknown): JsonObject | undefined {
  const config = isObject(tokenizerConfig) ? tokenizerConfig : {};
  if (files.vocabTxt !== undefined) return bertTokenizer(files.vocabTxt, config);
  if (files.vocabJson === undefined || files.mergesTxt === undefined) return undefined;
  if (!isObject(files.vocabJson))
    throw new UserError('vocab.json is not an object of ids by token. Download it again.');
  return byteLevelTokenizer(files.vocabJson, files.mergesTxt, config);
}

function bertTokenizer(vocabTxt: string, config: JsonObject): JsonObject {
  const lines = vocabTxt.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const vocab = Object.fromEntries(lines.map((token, id) => [token, id]));
  const special = (name: string, usual: string): string => contentOf(config[name]) ?? usual;
  const [unk, cls, sep] = [special('unk_token', '[UNK]'), special('cls_token', '[CLS]'), special('sep_token', '[SEP]')];
  const [pad, mask] = [special('pad_token', '[PAD]'), special('mask_token', '[MASK]')];
  for (const token of [unk, cls, sep])
    if (vocab[token] === undefined)
      throw new UserError(`vocab.txt has no ${token}, so it is not BERT's. Add the tokenizer.json of the model.`);
  return {
    added_tokens: addedTokens(vocab, [pad, unk, cls, sep, mask], () => false),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: config['tokenize_chinese_chars'] !== false,
      strip_accents: config['strip_accents'] ?? null,
      lowercase: config['do_lower_case'] !== false,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    model: { type: 'WordPiece', vocab, unk_token: unk },
    post_processor: { type: 'BertProcessing', sep: [sep, vocab[sep]], cls: [cls, vocab[cls]] },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  };
}

const robertaSpecials = ['<s>', '<pad>', '</s>', '<unk>', '<mask>'];

function byteLevelTokenizer(vocab: JsonObject, mergesTxt: string, config: JsonObject): JsonObject {
  const isRoberta = ['<s>', '</s>'].every((token) => vocab[token] !== undefined);
  const merges = mergesTxt.split(/\r?\n/).filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')));
  const bytes = { type: 'ByteLevel', add_prefix_space: config['add_prefix_space'] === true, use_regex: true };
  return {
    // RoBERTa's mask takes the space before it
    added_tokens: addedTokens(vocab, isRoberta ? robertaSpecials : ['<|endoftext|>'], (token) => token === '<mask>'),
    normalizer: null,
    pre_tokenizer: bytes,
    model: { type: 'BPE', vocab, merges },
    post_processor: isRoberta
      ? { type: 'RobertaProcessing', sep: ['</s>', vocab['</s>']], cls: ['<s>', vocab['<s>']] }
      : null,
    decoder: { type: 'ByteLevel' },
  };
}

function addedTokens(vocab: JsonObject, tokens: readonly string[], lstrip: (token: string) => boolean): JsonObject[] {
  return tokens
    .filter((content) => vocab[content] !== undefined)
    .map((content) => ({ id: vocab[content], content, special: true, normalized: false, lstrip: lstrip(content) }));
}

/** A special token is named by its text, or described by an object. */
function contentOf(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  return isObject(token) && typeof token['content'] === 'string' ? token['content'] : undefined;
}
