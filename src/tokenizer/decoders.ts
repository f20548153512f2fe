import { fromByteAlphabet } from './byteAlphabet.ts';
import { compilePattern } from './patterns.ts';
import type { DecoderNode } from './tokenizerJson.ts';

type Step = (tokens: readonly string[]) => string[];

const utf8 = new TextEncoder();
/** ignoreBOM keeps U+FEFF, which a TextDecoder otherwise takes for a mark of the encoding and drops. */
const lossy = new TextDecoder('utf-8', { ignoreBOM: true });
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** The decoders of a tokenizer.json as one function from token strings to text, as Rust's tokenizers joins them. */
export function createDecoder(nodes: readonly DecoderNode[] | undefined): (tokens: readonly string[]) => string {
  if (!nodes) return (tokens) => tokens.join(' ');
  const steps = nodes.map(createStep);
  return (tokens) => steps.reduce<readonly string[]>((current, step) => step(current), tokens).join('');
}

function createStep(node: DecoderNode): Step {
  switch (node.type) {
    case 'ByteLevel':
      return (tokens) => [lossy.decode(concat(tokens.map((token) => fromByteAlphabet(token) ?? utf8.encode(token))))];
    case 'ByteFallback':
      return byteFallback;
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'WordPiece':
      return (tokens) => tokens.map((token, i) => wordPiece(token, i === 0, node.prefix, node.cleanup));
    case 'Metaspace':
      return (tokens) =>
        tokens.map((token, i) => token.replaceAll(node.replacement, i === 0 && node.dropsFirst ? '' : ' '));
    case 'BPEDecoder':
      return (tokens) => tokens.map((token, i) => token.replaceAll(node.suffix, i === tokens.length - 1 ? '' : ' '));
    case 'Strip':
      return (tokens) => tokens.map((token) => strip(token, node.content, node.start, node.stop));
    case 'Replace': {
      const pattern = compilePattern(node.pattern, 'the decoder Replace');
      return (tokens) => tokens.map((token) => token.replace(pattern, () => node.content));
    }
  }
}

/** The byte that a token like <0x0A> stands for. */
export function byteOfToken(token: string): number | undefined {
  return /^<0x[0-9A-Fa-f]{2}>$/.test(token) ? parseInt(token.slice(3, 5), 16) : undefined;
}

/** Runs of byte tokens become text; a run that is no UTF-8 becomes one U+FFFD a byte. */
function byteFallback(tokens: readonly string[]): string[] {
  const texts: string[] = [];
  let run: number[] = [];
  const endRun = (): void => {
    if (run.length > 0) texts.push(decodeRun(run));
    run = [];
  };
  for (const token of tokens) {
    const byte = byteOfToken(token);
    if (byte === undefined) {
      endRun();
      texts.push(token);
    } else {
      run.push(byte);
    }
  }
  endRun();
  return texts;
}

function decodeRun(bytes: readonly number[]): string {
  try {
    return strict.decode(Uint8Array.from(bytes));
  } catch {
    return '\ufffd'.repeat(bytes.length);
  }
}

function wordPiece(token: string, first: boolean, prefix: string, cleanup: boolean): string {
  const joined = first ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
  return cleanup ? tidySpaces(joined) : joined;
}

/** Takes back the spaces that BERT's splitting put before punctuation and English contractions. */
export function tidySpaces(text: string): string {
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(' do not', " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}

function strip(token: string, content: string, start: number, stop: number): string {
  let from = 0;
  while (from < start && token.startsWith(content, from)) from++;
  let to = token.length;
  while (token.length - to < stop && to > from && token[to - 1] === content) to--;
  return token.slice(from, to);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
