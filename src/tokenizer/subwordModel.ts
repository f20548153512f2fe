import { BPE, Unigram, WordPiece } from '@huggingface/tokenizers';
import type { ModelNode } from './tokenizerJson.ts';

/** A piece's tokens: ids, and how many UTF-16 units of the piece each covers (several byte tokens share one character's). */
export interface Subwords {
  readonly ids: readonly number[];
  /** unit at which each token begins and ends, in the piece */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

export interface SubwordModel {
  /** What one pre-tokenized piece becomes. Results are shared: not to be changed. */
  encode(piece: string): Subwords;
  readonly idOf: ReadonlyMap<string, number>;
  /** every token with its id; a Unigram vocabulary may list a token twice, of which idOf knows the last */
  readonly entries: Iterable<readonly [string, number]>;
}

/** Text repeats its words, so most pieces are answered from here; emptied when full, which keeps it bounded. */
const cacheLimit = 50_000;
const longestCachedPiece = 64;

export function createSubwordModel(node: ModelNode): SubwordModel {
  const { idOf, encode } = createEncoder(node);
  const cache = new Map<string, Subwords>();
  return {
    idOf,
    entries: node.type === 'Unigram' ? node.vocab.map(([piece], id) => [piece, id] as const) : idOf,
    encode(piece) {
      const known = cache.get(piece);
      if (known) return known;
      const subwords = encode(piece);
      if (piece.length <= longestCachedPiece) {
        if (cache.size >= cacheLimit) cache.clear();
        cache.set(piece, subwords);
      }
      return subwords;
    },
  };
}

interface Encoder {
  readonly idOf: ReadonlyMap<string, number>;
  readonly encode: (piece: string) => Subwords;
}

function createEncoder(node: ModelNode): Encoder {
  switch (node.type) {
    case 'BPE':
      return bpeEncoder(node);
    case 'WordPiece':
      return wordPieceEncoder(node);
    case 'WordLevel': {
      const idOf = new Map(Object.entries(node.vocab));
      const unkId = idOf.get(node.unkToken);
      return {
        idOf,
        encode: (piece) => {
          const id = idOf.get(piece) ?? unkId;
          return id === undefined ? nothing : { ids: [id], starts: [0], ends: [piece.length] };
        },
      };
    }
    case 'Unigram':
      return unigramEncoder(node);
  }
}

const nothing: Subwords = { ids: [], starts: [], ends: [] };
const utf8 = new TextEncoder();

function byteTokens(char: string): string[] {
  return Array.from(utf8.encode(char), (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
}

/** Collects tokens with their spans; consecutive unknowns become one where the model fuses them. */
class SubwordList {
  readonly ids: number[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  push(id: number, start: number, end: number): void {
    this.ids.push(id);
    this.starts.push(start);
    this.ends.push(end);
  }

  pushUnknown(id: number, start: number, end: number, fuses: boolean): void {
    const last = this.ids.length - 1;
    if (fuses && this.ids[last] === id && this.ends[last] === start) this.ends[last] = end;
    else this.push(id, start, end);
  }
}

function bpeEncoder(node: Extract<ModelNode, { type: 'BPE' }>): Encoder {
  const model = new BPE({
    type: 'BPE',
    vocab: { ...node.vocab },
    merges: node.merges.map(([left, right]): [string, string] => [left, right]),
    ignore_merges: node.ignoreMerges,
    ...(node.endOfWordSuffix ? { end_of_word_suffix: node.endOfWordSuffix } : {}),
  });
  const idOf = model.tokens_to_ids;
  const unkId = node.unkToken === undefined ? undefined : idOf.get(node.unkToken);
  const dropsUnknown = unkId === undefined && !node.byteFallback;
  // bpe() yields the symbols left after all merges; each is in the vocabulary or is one unknown character
  const symbolsOf = (piece: string): string[] => (node.ignoreMerges && idOf.has(piece) ? [piece] : model.bpe(piece));
  const encode = (piece: string): Subwords => {
    const list = new SubwordList();
    const kept = dropsUnknown ? knownCharacters(piece, idOf, node.endOfWordSuffix) : undefined;
    const symbols = symbolsOf(kept?.text ?? piece);
    let at = 0;
    symbols.forEach((symbol, index) => {
      const isLast = index === symbols.length - 1;
      const length =
        isLast && symbol.endsWith(node.endOfWordSuffix) ? symbol.length - node.endOfWordSuffix.length : symbol.length;
      const start = kept?.units[at] ?? at;
      const end = kept ? (kept.units[at + length - 1] ?? start - 1) + 1 : at + length;
      const id = idOf.get(symbol);
      if (id !== undefined) list.push(id, start, end);
      else pushFallback(list, idOf, symbol, start, end, node.byteFallback, unkId, node.fuseUnk);
      at += length;
    });
    return list;
  };
  return { idOf, encode };
}

/** Without an unknown token, characters outside the vocabulary vanish before the merges, which join what is left. */
function knownCharacters(
  piece: string,
  idOf: ReadonlyMap<string, number>,
  endOfWordSuffix: string,
): { text: string; units: number[] } | undefined {
  const chars = Array.from(piece);
  const isKnown = (char: string, index: number): boolean =>
    idOf.has(index === chars.length - 1 ? char + endOfWordSuffix : char);
  if (chars.every(isKnown)) return undefined;
  const units: number[] = [];
  let text = '';
  let at = 0;
  chars.forEach((char, index) => {
    if (isKnown(char, index)) {
      text += char;
      for (let i = 0; i < char.length; i++) units.push(at + i);
    }
    at += char.length;
  });
  return { text, units };
}

/** A symbol outside the vocabulary: its bytes where the model has them all, else the unknown token, else nothing. */
function pushFallback(
  list: SubwordList,
  idOf: ReadonlyMap<string, number>,
  symbol: string,
  start: number,
  end: number,
  byteFallback: boolean,
  unkId: number | undefined,
  fuses: boolean,
): void {
  const bytes = byteFallback ? byteTokens(symbol).map((token) => idOf.get(token)) : [undefined];
  if (bytes.every((id) => id !== undefined)) for (const id of bytes) list.push(id, start, end);
  else if (unkId !== undefined) list.pushUnknown(unkId, start, end, fuses);
}

function wordPieceEncoder(node: Extract<ModelNode, { type: 'WordPiece' }>): Encoder {
  const model = new WordPiece({
    type: 'WordPiece',
    vocab: { ...node.vocab },
    unk_token: node.unkToken,
    continuing_subword_prefix: node.continuingSubwordPrefix,
    max_input_chars_per_word: node.maxInputCharsPerWord,
  });
  const idOf = model.tokens_to_ids;
  const encode = (piece: string): Subwords => {
    const list = new SubwordList();
    const tokens = model.encode([piece]);
    let at = 0;
    tokens.forEach((token, index) => {
      const id = idOf.get(token);
      if (id === undefined) return;
      const isUnknown = token === node.unkToken && piece !== node.unkToken;
      const length = isUnknown ? piece.length : token.length - (index === 0 ? 0 : node.continuingSubwordPrefix.length);
      list.push(id, at, at + length);
      at += length;
    });
    return list;
  };
  return { idOf, encode };
}

function unigramEncoder(node: Extract<ModelNode, { type: 'Unigram' }>): Encoder {
  const model = new Unigram(
    {
      type: 'Unigram',
      vocab: node.vocab.map(([piece, score]): [string, number] => [piece, score]),
      unk_id: node.unkId,
    },
    '',
  );
  const idOf = model.tokens_to_ids;
  const encode = (piece: string): Subwords => {
    const list = new SubwordList();
    let at = 0;
    for (const token of fuseUnknown(model.encode([piece]), idOf)) {
      const id = idOf.get(token);
      if (id !== undefined) list.push(id, at, at + token.length);
      else pushFallback(list, idOf, token, at, at + token.length, node.byteFallback, node.unkId, true);
      at += token.length;
    }
    return list;
  };
  return { idOf, encode };
}

/** Unigram always takes a run of unknown characters as one. */
function fuseUnknown(tokens: readonly string[], idOf: ReadonlyMap<string, number>): string[] {
  const fused: string[] = [];
  let lastUnknown = false;
  for (const token of tokens) {
    const unknown = !idOf.has(token);
    if (unknown && lastUnknown) fused[fused.length - 1] += token;
    else fused.push(token);
    lastUnknown = unknown;
  }
  return fused;
}
