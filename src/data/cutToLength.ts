import type { Encoding, Tokenizer } from '../tokenizer/tokenizer.ts';
import { ignoredLabel } from './encodedRow.ts';
import type { ShownRow } from './encodedRow.ts';

/** What stands at the end of an encoded text and how a cut treats it. */
export interface Closing {
  /** tokens with which the tokenizer closes a text: a cut falls before them */
  readonly kept: number;
  /** tokens after those, which a cut row loses */
  readonly dropped: number;
}

/** The cut that Transformers' truncation makes: the tokenizer's own closing tokens stay. */
export function ownClosing({ suffixIds }: Tokenizer): Closing {
  return { kept: suffixIds.length, dropped: 0 };
}

/**
 * A row of at most maxLength tokens.
 * @param labelOf the label of a token of the encoding, asked in order; without it no token is learned
 */
export function cutToLength(
  text: string,
  encoding: Encoding,
  maxLength: number,
  closing: Closing,
  labelOf: (index: number) => number = () => ignoredLabel,
): ShownRow {
  const { ids, starts, ends } = encoding;
  const cut = ids.length > maxLength;
  const kept = Array.from({ length: Math.min(ids.length, maxLength) }, (_, i) => i);
  if (cut && closing.kept < maxLength) {
    const lastBody = ids.length - closing.dropped - closing.kept;
    for (let i = 0; i < closing.kept; i++) kept[maxLength - closing.kept + i] = lastBody + i;
  }
  return {
    ids: Uint32Array.from(kept, (i) => ids[i]!),
    labels: Int32Array.from(kept, labelOf),
    cut,
    text,
    starts: Uint32Array.from(kept, (i) => starts[i]!),
    ends: Uint32Array.from(kept, (i) => ends[i]!),
  };
}
