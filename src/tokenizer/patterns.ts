import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { UserError } from '../formats/errors.ts';

/** A pattern of tokenizer.json: Oniguruma syntax, or a literal string. */
export type PatternNode = { readonly Regex: string } | { readonly String: string };

/** Rust's char::is_whitespace. JavaScript's \s differs: it takes U+FEFF and leaves U+0085. */
export const whitespacePattern = '\\p{White_Space}';
/** `\w` of Rust's regex crate, for use inside a class. */
export const wordCharacters = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200C\\u200D';
/** What a ByteLevel pre-tokenizer with use_regex splits by (GPT-2's encoder.py). */
export const gpt2Pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * Compiles a pattern of tokenizer.json to a JavaScript one that matches the same, for use with matchAll. The translation
 * from Oniguruma is @huggingface/tokenizers'. Throws a UserError, naming `where`, for syntax that has no equal.
 */
export function compilePattern(pattern: PatternNode, where: string): RegExp {
  const source = 'Regex' in pattern ? pattern.Regex : pattern.String;
  if ('Regex' in pattern && /(?<!\\)(?:\\\\)*\\G/.test(source)) {
    throw new UserError(`tokenizer.json: ${where} uses \\G in its pattern, which cannot be reproduced in a browser.`);
  }
  let compiled: RegExp | null;
  try {
    compiled = new SplitPreTokenizer({ type: 'Split', pattern, behavior: 'Isolated', invert: false }).pattern;
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`tokenizer.json: the pattern of ${where} cannot be reproduced in a browser (${detail}).`, {
      cause,
    });
  }
  if (!compiled) throw new UserError(`tokenizer.json: ${where} has a pattern that is neither Regex nor String.`);
  return compiled;
}

/** A pattern that matches any of the strings, the longest first; undefined for none. */
export function anyOf(strings: readonly string[]): RegExp | undefined {
  const longestFirst = [...new Set(strings)].filter((text) => text !== '').sort((a, b) => b.length - a.length);
  if (longestFirst.length === 0) return undefined;
  return new RegExp(longestFirst.map((text) => text.replace(/[.*+?^${}()|[\]\\/-]/gu, '\\$&')).join('|'), 'gu');
}
