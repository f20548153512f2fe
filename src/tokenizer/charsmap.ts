import { UserError } from '../formats/errors.ts';

/** What a part of a text is replaced by; undefined where it stays. */
export type Charsmap = (part: string) => string | undefined;

/**
 * Reads SentencePiece's precompiled_charsmap: the byte length of a double-array trie (u32, little-endian), the trie, and the
 * replacements, each ended by a zero byte. The trie leads from UTF-8 bytes to the place of the replacement.
 * As Rust's tokenizers does, a part is replaced whole by what the *shortest* key in front of it maps to.
 * Layout: darts-clone, which SentencePiece uses.
 * @param base64 the field precompiled_charsmap of the normalizer Precompiled
 */
export function readCharsmap(base64: string): Charsmap {
  const bytes = fromBase64(base64);
  const trieBytes = bytes.length >= 4 ? new DataView(bytes.buffer).getUint32(0, true) : 0;
  if (trieBytes === 0 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length) return damaged();
  const trie = new Uint32Array(bytes.buffer.slice(4, 4 + trieBytes));
  const replacements = bytes.subarray(4 + trieBytes);
  const known = new Map<string, string | undefined>();
  return (part) => {
    if (known.has(part)) return known.get(part);
    const place = firstPrefix(trie, utf8.encode(part));
    const replacement = place === undefined ? undefined : textAt(replacements, place);
    if (known.size >= cacheLimit) known.clear();
    known.set(part, replacement);
    return replacement;
  };
}

const cacheLimit = 20_000;
const utf8 = new TextEncoder();

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return damaged();
  }
}

function damaged(): never {
  throw new UserError(
    'tokenizer.json: the precompiled_charsmap of the normalizer Precompiled is damaged. Download the file again.',
  );
}

/** The value of the shortest key that the bytes begin with. */
function firstPrefix(trie: Uint32Array, bytes: Uint8Array): number | undefined {
  let node = offsetOf(trie[0]!);
  for (const byte of bytes) {
    if (byte === 0) return undefined;
    node ^= byte;
    const unit = trie[node];
    if (unit === undefined || labelOf(unit) !== byte) return undefined;
    node ^= offsetOf(unit);
    if (hasLeaf(unit)) return valueOf(trie[node] ?? 0);
  }
  return undefined;
}

/** A unit of the trie: bits 0–7 its label, 8 whether a key ends at it, 9 whether its offset counts in 256s, 10–30 the offset, 31 set for values. */
function labelOf(unit: number): number {
  return (unit & 0x800000ff) >>> 0;
}

function hasLeaf(unit: number): boolean {
  return ((unit >>> 8) & 1) === 1;
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

function valueOf(unit: number): number {
  return unit & 0x7fffffff;
}

/** ignoreBOM keeps U+FEFF, which a TextDecoder otherwise drops. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function textAt(replacements: Uint8Array, place: number): string {
  const end = replacements.indexOf(0, place);
  return decoder.decode(replacements.subarray(place, end < 0 ? replacements.length : end));
}
