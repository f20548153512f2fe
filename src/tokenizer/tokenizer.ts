import { AlignedText } from './alignedText.ts';
import { createSectionSplitter } from './addedTokens.ts';
import { fromByteAlphabet, toByteAlphabet } from './byteAlphabet.ts';
import { ChatTemplate, readChatTemplate } from './chatTemplate.ts';
import { UserError } from '../formats/errors.ts';
import { byteOfToken, createDecoder, tidySpaces } from './decoders.ts';
import { isObject } from './json.ts';
import { createNormalizer } from './normalizers.ts';
import { normalizeTokenizerJson } from './normalizeTokenizerJson.ts';
import { createPreTokenizer } from './preTokenizers.ts';
import type { PreTokenizer } from './preTokenizers.ts';
import { missingAddedTokens, readNamedTokens } from './specialTokens.ts';
import { createSubwordModel } from './subwordModel.ts';
import type { SubwordModel } from './subwordModel.ts';
import type { AddedToken, TemplateItem, TokenizerJson } from './tokenizerJson.ts';

/** What a model folder (or a GGUF header, see ggufTokenizer.ts) says about its tokenizer. JSON values are as parsed. */
export interface TokenizerFiles {
  readonly tokenizerJson: unknown;
  readonly tokenizerConfig?: unknown;
  /** chat_template.jinja, which comes before the chat_template of tokenizer_config.json */
  readonly chatTemplate?: string;
  readonly specialTokensMap?: unknown;
  /** ids from config.json, used where the tokenizer's own files name no such token */
  readonly configIds?: { readonly eosTokenId?: number; readonly bosTokenId?: number; readonly padTokenId?: number };
  /** rows of the model's embedding: a text that needs an id beyond them is refused; without it every id passes */
  readonly embeddingRows?: number;
}

export interface EncodeOptions {
  /** put the tokenizer's own special tokens around the text; true by default */
  readonly addSpecialTokens?: boolean;
}

/**
 * Tokens with the part of the text each came from, as UTF-16 offsets [starts[i], ends[i]). A token that holds a piece of a
 * character covers the whole character; special tokens put around the text have empty spans.
 */
export interface Encoding {
  readonly ids: number[];
  readonly starts: number[];
  readonly ends: number[];
}

/** Two texts encoded together, with BERT's token_type_id of each token. */
export interface PairEncoding {
  readonly ids: number[];
  readonly typeIds: number[];
}

/** Words encoded one by one, in one sequence. */
export interface WordsEncoding {
  /** offsets are into the words joined by single spaces */
  readonly encoding: Encoding;
  /** by token: the index of the word it is of, −1 for special tokens */
  readonly words: number[];
}

export interface Tokenizer {
  encode(text: string, options?: EncodeOptions): number[];
  encodeWithOffsets(text: string, options?: EncodeOptions): Encoding;
  /** Two texts in one sequence with the tokenizer's own special tokens. */
  encodePair(text: string, textPair: string): PairEncoding;
  /** The same of two texts that are encoded already (without special tokens), and perhaps cut. */
  joinPair(ids: readonly number[], idsOfPair: readonly number[]): PairEncoding;
  /**
   * Words that are parted already, as Transformers' is_split_into_words, with the tokenizer's own special tokens. Each is a text by itself:
   * a byte-level tokenizer puts a space in front of it only where tokenizer.json says add_prefix_space.
   */
  encodeWords(words: readonly string[]): WordsEncoding;
  /** Text of the ids; ids that stand for no token give nothing. Special tokens are kept unless skipSpecialTokens. */
  decode(ids: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string;
  /** one more than the highest id in use */
  readonly vocabSize: number;
  readonly eosTokenId?: number;
  readonly bosTokenId?: number;
  readonly padTokenId?: number;
  /** special tokens that encode puts before and after a text */
  readonly prefixIds: readonly number[];
  readonly suffixIds: readonly number[];
  /** The token as written in the vocabulary; undefined for an id without one. */
  tokenText(id: number): string | undefined;
  /** The bytes a token stands for inside a text: a part of a character where the vocabulary is of bytes. Empty without a token. */
  tokenBytes(id: number): Uint8Array;
  isSpecial(id: number): boolean;
  /** contents of the added tokens, special or not, like <|im_end|> */
  readonly addedTokens: readonly string[];
  readonly chat?: ChatTemplate;
}

/**
 * Builds a tokenizer whose ids and texts equal those of Hugging Face's tokenizers (Rust), or throws a UserError that names
 * the part of tokenizer.json that cannot be reproduced, or the special token that the model has no embedding for.
 */
export function loadTokenizer(files: TokenizerFiles): Tokenizer {
  const config = isObject(files.tokenizerConfig) ? files.tokenizerConfig : {};
  const specials = isObject(files.specialTokensMap) ? files.specialTokensMap : {};
  const json = normalizeTokenizerJson(files.tokenizerJson);
  const model = createSubwordModel(json.model);
  const named = readNamedTokens(config, specials);
  const added = [
    ...json.addedTokens,
    ...missingAddedTokens(config, named, json.addedTokens, (token) => model.idOf.get(token)),
  ];
  const idOfAdded = new Map(added.map(({ content, id }) => [content, id]));
  const idOfNamed = (token: string | undefined): number | undefined =>
    token === undefined ? undefined : (idOfAdded.get(token) ?? model.idOf.get(token));
  const template = readChatTemplate(files.chatTemplate ?? config['chat_template'] ?? specials['chat_template']);
  const addedContents = added.map(({ content }) => content);
  return new PipelineTokenizer(json, model, added, {
    eosTokenId: idOfNamed(named.eos_token) ?? files.configIds?.eosTokenId,
    bosTokenId: idOfNamed(named.bos_token) ?? files.configIds?.bosTokenId,
    padTokenId: idOfNamed(named.pad_token) ?? files.configIds?.padTokenId,
    // Transformers tidies only where the model is not BPE, whose spaces are part of the tokens
    tidiesSpaces: config['clean_up_tokenization_spaces'] === true && json.model.type !== 'BPE',
    chat: template === undefined ? undefined : new ChatTemplate(template, named, addedContents),
    embeddingRows: files.embeddingRows ?? Infinity,
  });
}

interface Extras {
  readonly eosTokenId: number | undefined;
  readonly bosTokenId: number | undefined;
  readonly padTokenId: number | undefined;
  readonly tidiesSpaces: boolean;
  readonly chat: ChatTemplate | undefined;
  readonly embeddingRows: number;
}

class PipelineTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly eosTokenId?: number;
  readonly bosTokenId?: number;
  readonly padTokenId?: number;
  readonly prefixIds: readonly number[];
  readonly suffixIds: readonly number[];
  readonly addedTokens: readonly string[];
  readonly chat?: ChatTemplate;

  private readonly splitSections: ReturnType<typeof createSectionSplitter>;
  private readonly preTokenize: PreTokenizer;
  private readonly joinTokens: ReturnType<typeof createDecoder>;
  private readonly spellsBytes: boolean;
  private readonly textOf: (string | undefined)[] = [];
  private readonly addedIds: ReadonlySet<number>;
  private readonly specialIds: ReadonlySet<number>;
  private readonly tidiesSpaces: boolean;
  private readonly embeddingRows: number;

  constructor(
    private readonly json: TokenizerJson,
    private readonly model: SubwordModel,
    added: readonly AddedToken[],
    extras: Extras,
  ) {
    this.splitSections = createSectionSplitter(added, createNormalizer(json.normalizers));
    this.preTokenize = createPreTokenizer(json.preTokenizers);
    this.joinTokens = createDecoder(json.decoders);
    this.spellsBytes = json.preTokenizers.some(({ type }) => type === 'ByteLevel');
    for (const [token, id] of model.entries) this.textOf[id] = token;
    for (const { content, id } of added) this.textOf[id] = content;
    this.vocabSize = this.textOf.length;
    this.addedTokens = added.map(({ content }) => content);
    this.addedIds = new Set(added.map(({ id }) => id));
    this.specialIds = new Set(added.filter(({ special }) => special).map(({ id }) => id));
    this.prefixIds = idsAround(json.postProcessor.single, 'before');
    this.suffixIds = idsAround(json.postProcessor.single, 'after');
    this.tidiesSpaces = extras.tidiesSpaces;
    if (extras.eosTokenId !== undefined) this.eosTokenId = extras.eosTokenId;
    if (extras.bosTokenId !== undefined) this.bosTokenId = extras.bosTokenId;
    if (extras.padTokenId !== undefined) this.padTokenId = extras.padTokenId;
    if (extras.chat) this.chat = extras.chat;
    this.embeddingRows = extras.embeddingRows;
    this.refuseUnembedded([...this.prefixIds, ...this.suffixIds, extras.eosTokenId ?? 0]);
  }

  encode(text: string, options?: EncodeOptions): number[] {
    return this.encodeWithOffsets(text, options).ids;
  }

  encodeWithOffsets(text: string, { addSpecialTokens = true }: EncodeOptions = {}): Encoding {
    const encoding: Encoding = { ids: [], starts: [], ends: [] };
    if (addSpecialTokens) for (const id of this.prefixIds) pushToken(encoding, id, 0, 0);
    this.pushText(encoding, text);
    if (addSpecialTokens) for (const id of this.suffixIds) pushToken(encoding, id, text.length, text.length);
    this.refuseUnembedded(encoding.ids);
    return encoding;
  }

  encodePair(text: string, textPair: string): PairEncoding {
    const [ids, idsOfPair] = [text, textPair].map((part) => this.encode(part, { addSpecialTokens: false }));
    return this.joinPair(ids ?? [], idsOfPair ?? []);
  }

  joinPair(ids: readonly number[], idsOfPair: readonly number[]): PairEncoding {
    const encoding: PairEncoding = { ids: [], typeIds: [] };
    for (const item of this.json.postProcessor.pair) {
      for (const id of 'ids' in item ? item.ids : item.sequence === 'A' ? ids : idsOfPair) {
        encoding.ids.push(id);
        encoding.typeIds.push(item.typeId);
      }
    }
    return encoding;
  }

  encodeWords(words: readonly string[]): WordsEncoding {
    const encoding: Encoding = { ids: [], starts: [], ends: [] };
    const wordOf: number[] = [];
    const pushSpecials = (ids: readonly number[], at: number): void => {
      for (const id of ids) {
        pushToken(encoding, id, at, at);
        wordOf.push(-1);
      }
    };
    pushSpecials(this.prefixIds, 0);
    let at = 0;
    words.forEach((word, index) => {
      const part: Encoding = { ids: [], starts: [], ends: [] };
      this.pushText(part, word);
      part.ids.forEach((id, i) => {
        pushToken(encoding, id, at + part.starts[i]!, at + part.ends[i]!);
        wordOf.push(index);
      });
      at += word.length + 1;
    });
    pushSpecials(this.suffixIds, Math.max(0, at - 1));
    this.refuseUnembedded(encoding.ids);
    return { encoding, words: wordOf };
  }

  decode(ids: readonly number[], { skipSpecialTokens = false } = {}): string {
    const tokens = ids.flatMap((id) => (skipSpecialTokens && this.specialIds.has(id) ? [] : (this.textOf[id] ?? [])));
    const text = tokens.length === 0 ? '' : this.joinTokens(tokens);
    return this.tidiesSpaces ? tidySpaces(text) : text;
  }

  tokenText(id: number): string | undefined {
    return this.textOf[id];
  }

  tokenBytes(id: number): Uint8Array {
    const token = this.textOf[id];
    if (token === undefined) return new Uint8Array();
    if (this.addedIds.has(id)) return utf8.encode(token);
    if (this.spellsBytes) return fromByteAlphabet(token) ?? utf8.encode(token);
    const byte = this.json.model.type === 'BPE' || this.json.model.type === 'Unigram' ? byteOfToken(token) : undefined;
    if (byte !== undefined) return Uint8Array.of(byte);
    if (this.json.model.type !== 'WordPiece') return utf8.encode(token.replaceAll('▁', ' '));
    const { continuingSubwordPrefix: prefix } = this.json.model;
    return utf8.encode(token.startsWith(prefix) ? token.slice(prefix.length) : token);
  }

  isSpecial(id: number): boolean {
    return this.specialIds.has(id);
  }

  private refuseUnembedded(ids: readonly number[]): void {
    const id = ids.find((candidate) => candidate >= this.embeddingRows);
    if (id === undefined) return;
    throw new UserError(
      `The tokenizer's token ${JSON.stringify(this.textOf[id] ?? '')} has the id ${id}, but the model's embedding has only ${this.embeddingRows} rows. Use the tokenizer that belongs to the model.`,
    );
  }

  private pushText(encoding: Encoding, text: string): void {
    for (const section of this.splitSections(AlignedText.of(text))) {
      if (section.id === undefined)
        for (const piece of this.preTokenize([section.text])) this.pushPiece(encoding, piece);
      else pushToken(encoding, section.id, section.text.startOf(0), section.text.endBefore(section.text.text.length));
    }
  }

  private pushPiece(encoding: Encoding, piece: AlignedText): void {
    const { text } = piece;
    const spelled = this.spellsBytes ? toByteAlphabet(text) : text;
    const { ids, starts, ends } = this.model.encode(spelled);
    // where every byte is one unit, units of the spelling are units of the text
    const unitOfByte = spelled.length === text.length ? undefined : unitsOfBytes(text, spelled.length);
    ids.forEach((id, i) => {
      const from = starts[i] ?? 0;
      const to = ends[i] ?? from;
      const first = unitOfByte ? unitOfByte.starts[from]! : from;
      const last = unitOfByte && to > from ? unitOfByte.ends[to - 1]! : to;
      pushToken(encoding, id, piece.startOf(first), piece.endBefore(last));
    });
  }
}

const utf8 = new TextEncoder();

function pushToken(encoding: Encoding, id: number, start: number, end: number): void {
  encoding.ids.push(id);
  encoding.starts.push(start);
  encoding.ends.push(Math.max(start, end));
}

/** For each UTF-8 byte of the text: the UTF-16 units [start, end) of its character. */
function unitsOfBytes(text: string, byteLength: number): { starts: Uint32Array; ends: Uint32Array } {
  const starts = new Uint32Array(byteLength);
  const ends = new Uint32Array(byteLength);
  let byte = 0;
  let unit = 0;
  for (const char of text) {
    const point = char.codePointAt(0) ?? 0;
    const bytes = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    starts.fill(unit, byte, byte + bytes);
    ends.fill(unit + char.length, byte, byte + bytes);
    byte += bytes;
    unit += char.length;
  }
  return { starts, ends };
}

function idsAround(template: readonly TemplateItem[], side: 'before' | 'after'): number[] {
  const at = template.findIndex((item) => 'sequence' in item);
  const items = side === 'before' ? template.slice(0, at) : template.slice(at + 1);
  return items.flatMap((item) => ('ids' in item ? item.ids : []));
}
