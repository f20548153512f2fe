/**
 * Floats into GGUF's blocks of 32, to the very bits of gguf's own encoders (gguf, quants.py, quantize_blocks): each operation rounds to
 * f32, as numpy's do.
 */
import { UserError } from '../../formats/errors.ts';
import { floatToHalf } from '../half.ts';

const SMALL_BLOCK = 32;

/** Writes the bytes of one block. Throws a UserError that names the tensor where its scale is no half. */
export type EncodeBlock = (values: Float32Array, file: DataView, tensor: string) => void;

const { fround } = Math;

/** value = d · (q − zero), d of the largest number, whose code is 0. */
function symmetric(format: string, zero: 8 | 16, put: (file: DataView, codes: Uint8Array) => void): EncodeBlock {
  const codes = new Uint8Array(SMALL_BLOCK);
  return (values, file, tensor) => {
    const d = fround(largest(values) / -zero);
    const reciprocal = d === 0 ? 0 : fround(1 / d);
    file.setUint16(0, scaleBits(tensor, format, d), true);
    for (let i = 0; i < SMALL_BLOCK; i++) {
      const scaled = fround(values[i]! * reciprocal);
      codes[i] = Math.min(Math.trunc(fround(scaled + (zero + 0.5))), 2 * zero - 1);
    }
    put(file, codes);
  };
}

/** value = d · q + m, m the least number and d a step of those up to the greatest. */
function fromLeast(format: string, most: 15 | 31, put: (file: DataView, codes: Uint8Array) => void): EncodeBlock {
  const codes = new Uint8Array(SMALL_BLOCK);
  return (values, file, tensor) => {
    const [least, greatest] = extremes(values);
    const d = fround(fround(greatest - least) / most);
    const reciprocal = d === 0 ? 0 : fround(1 / d);
    file.setUint16(0, scaleBits(tensor, format, d), true);
    file.setUint16(2, scaleBits(tensor, format, least), true);
    for (let i = 0; i < SMALL_BLOCK; i++) {
      const scaled = fround(fround(values[i]! - least) * reciprocal);
      codes[i] = Math.min(Math.trunc(fround(scaled + 0.5)), most);
    }
    put(file, codes);
  };
}

export const encodeQ4_0 = symmetric('Q4_0', 8, (file, codes) => putNibbles(file, 2, codes));
export const encodeQ4_1 = fromLeast('Q4_1', 15, (file, codes) => putNibbles(file, 4, codes));
export const encodeQ5_0 = symmetric('Q5_0', 16, (file, codes) => putFifthBits(file, 2, codes));
export const encodeQ5_1 = fromLeast('Q5_1', 31, (file, codes) => putFifthBits(file, 4, codes));

/** value = d · q; halves are rounded away from zero. */
export const encodeQ8_0: EncodeBlock = (values, file, tensor) => {
  const d = fround(Math.abs(largest(values)) / 127);
  const reciprocal = d === 0 ? 0 : fround(1 / d);
  file.setUint16(0, scaleBits(tensor, 'Q8_0', d), true);
  for (let i = 0; i < SMALL_BLOCK; i++) {
    const scaled = fround(values[i]! * reciprocal);
    file.setInt8(2 + i, Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5));
  }
};

/** A scale as a half. Throws a UserError that names the tensor where it is too large. */
export function scaleBits(tensor: string, format: string, scale: number): number {
  const bits = floatToHalf(scale);
  if ((bits & 0x7c00) !== 0x7c00) return bits;
  throw new UserError(
    `${tensor} would need the scale ${scale}, which ${format} cannot hold, so nothing was written. Merge without --requantize, into a model in F32 or BF16.`,
  );
}

/** The first of the numbers that are farthest from 0. */
export function largest(values: Float32Array): number {
  let found = values[0]!;
  for (const value of values) if (Math.abs(value) > Math.abs(found)) found = value;
  return found;
}

export function extremes(values: Float32Array): [least: number, greatest: number] {
  let [least, greatest] = [values[0]!, values[0]!];
  for (const value of values) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return [least, greatest];
}

/** Weights 0…15 in the lower halves of 16 bytes, 16…31 in the upper. */
function putNibbles(file: DataView, at: number, codes: Uint8Array): void {
  for (let i = 0; i < 16; i++) file.setUint8(at + i, (codes[i]! & 15) | ((codes[16 + i]! & 15) << 4));
}

function putFifthBits(file: DataView, at: number, codes: Uint8Array): void {
  let fifth = 0;
  codes.forEach((code, i) => (fifth |= (code >> 4) << i));
  file.setUint32(at, fifth >>> 0, true);
  putNibbles(file, at + 4, codes);
}
