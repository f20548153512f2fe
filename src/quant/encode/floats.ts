import { UserError } from '../../formats/errors.ts';
import type { BlockFormatName } from '../format.ts';
import { floatToBfloat, floatToHalf } from '../half.ts';

export type FloatFormatName = 'f32' | 'f16' | 'bf16';

export function isFloatFormat(format: BlockFormatName): format is FloatFormatName {
  return format === 'f32' || format === 'f16' || format === 'bf16';
}

/** The largest half. */
export const largestHalf = 65504;

/**
 * Throws a UserError that names the tensor unless its format holds all its numbers, whose sizes are at most `most`. NaN is in none.
 * @param instead what to do: a sentence
 */
export function requireWithin(
  values: Float32Array,
  most: number,
  { name, format, instead }: { readonly name: string; readonly format: string; readonly instead: string },
): void {
  if (values.every((value) => Math.abs(value) <= most)) return;
  throw new UserError(`${name} would hold numbers that ${format} cannot, so nothing was written. ${instead}`);
}

/** Numbers as plain floats, little endian. Throws a UserError that names the tensor where the type cannot hold one. */
export function encodeFloats(format: FloatFormatName, values: Float32Array, name: string): Uint8Array {
  const most = format === 'f16' ? largestHalf : Number.MAX_VALUE;
  requireWithin(values, most, { name, format: format.toUpperCase(), instead: 'Merge into a model in F32 or BF16.' });
  if (format === 'f32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const encode = format === 'f16' ? floatToHalf : floatToBfloat;
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = encode(values[i]!); // TypedArray.from would list all numbers first
  return new Uint8Array(halves.buffer);
}
