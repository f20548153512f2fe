import type { Tokenizer } from './tokenizer.ts';

/** Turns ids that arrive one at a time into text. */
export interface StreamingDecoder {
  /** The text that has become certain with this id; '' while it ends in the middle of a character. */
  push(id: number): string;
  /** What is left at the end of the stream, unfinished characters as U+FFFD. */
  flush(): string;
}

/**
 * The texts returned, joined, are decode(all ids). A few ids before the new ones are decoded again each time, so that a
 * decoder that treats the first token in its own way (dropping its space, say) does so out of sight.
 */
export function createStreamingDecoder(
  tokenizer: Pick<Tokenizer, 'decode'>,
  options: { readonly skipSpecialTokens?: boolean } = {},
): StreamingDecoder {
  /** already written */
  let context: number[] = [];
  /** read, not yet written */
  let pending: number[] = [];

  const take = (): string => {
    const text = tokenizer.decode([...context, ...pending], options).slice(tokenizer.decode(context, options).length);
    if (text !== '') context = pending;
    else context.push(...pending);
    pending = [];
    return text;
  };

  return {
    push(id) {
      pending.push(id);
      const text = tokenizer.decode([...context, ...pending], options);
      return text.endsWith('\ufffd') ? '' : take();
    },
    flush: take,
  };
}
