/** What a text model is trained to do; peft's task_type. */
export type TaskType = 'CAUSAL_LM' | 'SEQ_CLS' | 'TOKEN_CLS' | 'SEQ_2_SEQ_LM';

/** What a row is to teach, where that is not the tokens that come next. */
export type RowTarget =
  /** SEQ_CLS with one label a row: its class */
  | { readonly kind: 'class'; readonly classId: number }
  /** SEQ_CLS: regression's values, or multi-label's 0 or 1 by class; [numLabels] */
  | { readonly kind: 'values'; readonly values: Float32Array }
  /** TOKEN_CLS: the class of each token is in `labels` */
  | { readonly kind: 'tokenClasses' }
  /** SEQ_2_SEQ_LM: the ids that the decoder writes, and the one it starts from */
  | { readonly kind: 'sequence'; readonly ids: Uint32Array; readonly decoderStartTokenId: number };

/** An image as a model takes it, decoded when it is needed. */
export interface RowImage {
  readonly height: number;
  readonly width: number;
  /** writes [3, height, width] at `offset` */
  writeValues(pixelValues: Float32Array, offset: number): Promise<void>;
}

/** A row as token ids. */
export interface EncodedRow {
  /** the tokens; of SEQ_2_SEQ_LM those of the source */
  readonly ids: Uint32Array;
  /**
   * [ids.length] Transformers' `labels`. CAUSAL_LM: the id of each token that is to be predicted (from the tokens before it;
   * not shifted yet), −100 elsewhere. TOKEN_CLS: the class of the first token of each word, −100 elsewhere. Other tasks: −100.
   */
  readonly labels: Int32Array;
  /** the row, or its target sequence, was longer than maxLength */
  readonly cut: boolean;
  /** [ids.length] BERT's token_type_ids, where the row is a pair of texts */
  readonly typeIds?: Uint8Array;
  /** IMAGE_CLS: then there are no tokens */
  readonly image?: RowImage;
  /** absent for CAUSAL_LM, and for rows that are only to be looked at */
  readonly target?: RowTarget;
}

/** An encoded row with the text it was made of and each token's span in it, for showing. */
export interface ShownRow extends EncodedRow, TokenSpans {
  /** of SEQ_2_SEQ_LM: the target sequence */
  readonly shownTarget?: TokenSpans;
}

/** Tokens and the text that they were made of. */
export interface TokenSpans {
  readonly ids: Uint32Array;
  readonly text: string;
  /** UTF-16 offsets by token; empty for special tokens that are not in the text */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** The label of a token that is not learned, as in Transformers. */
export const ignoredLabel = -100;
