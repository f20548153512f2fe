/** What decoders and repackers share: checks on the bytes that they are given, and views of them. */
import { UserError } from '../formats/errors.ts';

/** Throws a RangeError unless the bytes are exactly `weights` weights: the caller sliced the file wrongly. */
export function checkBytes(
  name: string,
  bytes: Uint8Array,
  weights: number,
  blockSize: number,
  bytesPerBlock: number,
): void {
  const expected = (weights / blockSize) * bytesPerBlock;
  if (weights % blockSize === 0 && bytes.byteLength === expected) return;
  throw new RangeError(
    `${name}: ${weights} weights take ${expected} bytes in blocks of ${blockSize}, not ${bytes.byteLength}`,
  );
}

/** The bytes as little-endian 16-bit words, without a copy where they lie at an even address. */
export function asHalfWords(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 1);
}

/** Throws a UserError for a half-precision scale that is infinite or NaN: every weight of its block would be, too. */
export function checkScale(name: string, bits: number): void {
  if ((bits & 0x7c00) !== 0x7c00) return;
  throw new UserError(
    `A ${name.toUpperCase()} block has a scale that is not finite: the weights are damaged. Download the model again.`,
  );
}

/** Whole words: the bytes themselves where their number is a multiple of 4, else a copy with zeros after them. */
export function padToWords(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength % 4 === 0) return bytes;
  const padded = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4);
  padded.set(bytes);
  return padded;
}

/** The bytes of numbers as they lie in memory, not copied. */
export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
