/**
 * GPT-2's byte alphabet: every byte has one printable character, so that a byte-level vocabulary can be written as text.
 * Printable Latin-1 bytes stand for themselves; the other 68 take U+0100 onwards, in order of the byte.
 */
const characterOfByte: string[] = [];
const byteOfCharacter = new Map<string, number>();

for (let byte = 0, next = 0x100; byte < 256; byte++) {
  const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  const character = String.fromCharCode(printable ? byte : next++);
  characterOfByte.push(character);
  byteOfCharacter.set(character, byte);
}

const encoder = new TextEncoder();

/** The text's UTF-8 bytes, each as one character of the alphabet: one UTF-16 unit a byte. */
export function toByteAlphabet(text: string): string {
  let spelled = '';
  for (const byte of encoder.encode(text)) spelled += characterOfByte[byte];
  return spelled;
}

/** The bytes that a word of the alphabet stands for; undefined where a character is not in the alphabet. */
export function fromByteAlphabet(word: string): Uint8Array | undefined {
  const bytes = new Uint8Array(word.length);
  for (let i = 0; i < word.length; i++) {
    const byte = byteOfCharacter.get(word.charAt(i));
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}
