import { UserError } from '../../formats/errors.ts';
import { floatToBfloat, floatToHalf } from '../half.ts';

export type FloatFormatName = 'f32' | 'f16' | 'bf16';

/** Numbers as plain floats, little endian. Throws a UserError that names the tensor where the type cannot hold one. */
export function encodeFloats(format: FloatFormatName, values: Float32Array, name: string): Uint8Array {
  const most = format === 'f16' ? 65504 : Number.MAX_VALUE;
  if (!values.every((value) => Math.abs(value) <= most))
    throw new UserError(
      `${name} would hold numbers that ${format.toUpperCase()} cannot, so nothing was written. Merge into a model in F32 or BF16.`,
    );
  if (format === 'f32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const encode = format === 'f16' ? floatToHalf : floatToBfloat;
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = encode(values[i]!); // TypedArray.from would list all numbers first
  return new Uint8Array(halves.buffer);
}
