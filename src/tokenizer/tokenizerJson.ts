import type { PatternNode } from './patterns.ts';

/** The kinds of tokenizer.json node that Graft reproduces exactly, after normalizeTokenizerJson has rewritten the rest. */
export interface TokenizerJson {
  readonly addedTokens: readonly AddedToken[];
  readonly normalizers: readonly NormalizerNode[];
  readonly preTokenizers: readonly PreTokenizerNode[];
  readonly model: ModelNode;
  readonly postProcessor: PostProcessorNode;
  /** applied in order; undefined joins the tokens with spaces, as tokenizers does without a decoder */
  readonly decoders: readonly DecoderNode[] | undefined;
}

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** matched only between non-word characters */
  readonly singleWord: boolean;
  /** swallows the whitespace on its left, right */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** searched for in the normalized text, not in the text as written */
  readonly normalized: boolean;
  /** left out by decode with skipSpecialTokens */
  readonly special: boolean;
}

export type NormalizerNode =
  | { readonly type: 'NFC' | 'NFD' | 'NFKC' | 'NFKD' | 'Lowercase' | 'StripAccents' }
  | { readonly type: 'Strip'; readonly left: boolean; readonly right: boolean }
  | { readonly type: 'Prepend'; readonly prepend: string }
  | { readonly type: 'Replace'; readonly pattern: PatternNode; readonly content: string }
  /** SentencePiece's own normalization: charsmap in base64, see charsmap.ts */
  | { readonly type: 'Precompiled'; readonly charsmap: string }
  | {
      readonly type: 'BertNormalizer';
      readonly cleanText: boolean;
      readonly handleChineseChars: boolean;
      readonly stripAccents: boolean;
      readonly lowercase: boolean;
    };

export type SplitBehavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

export type PreTokenizerNode =
  | {
      readonly type: 'Split';
      readonly pattern: PatternNode;
      readonly behavior: SplitBehavior;
      readonly invert: boolean;
    }
  /** puts `text` in front of each piece that does not begin with it */
  | { readonly type: 'Prefix'; readonly text: string }
  /** spells each piece in the byte alphabet */
  | { readonly type: 'ByteLevel' }
  | {
      readonly type: 'Metaspace';
      readonly replacement: string;
      readonly prependScheme: 'always' | 'first' | 'never';
      readonly split: boolean;
    }
  | { readonly type: 'FixedLength'; readonly length: number };

export type ModelNode =
  | {
      readonly type: 'BPE';
      readonly vocab: Readonly<Record<string, number>>;
      readonly merges: readonly (readonly [string, string])[];
      readonly unkToken: string | undefined;
      readonly fuseUnk: boolean;
      readonly byteFallback: boolean;
      readonly ignoreMerges: boolean;
      readonly endOfWordSuffix: string;
    }
  | {
      readonly type: 'WordPiece';
      readonly vocab: Readonly<Record<string, number>>;
      readonly unkToken: string;
      readonly continuingSubwordPrefix: string;
      readonly maxInputCharsPerWord: number;
    }
  | { readonly type: 'WordLevel'; readonly vocab: Readonly<Record<string, number>>; readonly unkToken: string }
  | {
      readonly type: 'Unigram';
      /** [piece, log probability], by id */
      readonly vocab: readonly (readonly [string, number])[];
      readonly unkId: number;
      readonly byteFallback: boolean;
    };

/** One item of what an encoded text (A) or pair of texts (A, B) becomes. typeId is BERT's token_type_id. */
export type TemplateItem =
  | { readonly sequence: 'A' | 'B'; readonly typeId: number }
  | { readonly ids: readonly number[]; readonly typeId: number };

export interface PostProcessorNode {
  readonly single: readonly TemplateItem[];
  readonly pair: readonly TemplateItem[];
}

export type DecoderNode =
  | { readonly type: 'ByteLevel' | 'ByteFallback' | 'Fuse' }
  | { readonly type: 'WordPiece'; readonly prefix: string; readonly cleanup: boolean }
  | { readonly type: 'Metaspace'; readonly replacement: string; readonly dropsFirst: boolean }
  | { readonly type: 'BPEDecoder'; readonly suffix: string }
  | { readonly type: 'Strip'; readonly content: string; readonly start: number; readonly stop: number }
  | { readonly type: 'Replace'; readonly pattern: PatternNode; readonly content: string };
