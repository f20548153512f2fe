import type { BlockFormatName } from '../../src/quant/format.ts';
import { weightFormats } from '../../src/quant/registry.ts';
import type { Operand } from './harness.ts';
import { noise } from './harness.ts';

/** Where the half-precision scales lie in a block of a file. */
export const scaleOffsets: Readonly<Record<Exclude<BlockFormatName, 'f32' | 'f16' | 'bf16'>, readonly number[]>> = {
  q8_0: [0],
  q4_0: [0],
  q4_1: [0, 2],
  q5_0: [0],
  q5_1: [0, 2],
  q2_k: [80, 82],
  q3_k: [108],
  q4_k: [0, 2],
  q5_k: [0, 2],
  q6_k: [208],
};

/** Repeatable file bytes of `count` weights: every bit pattern of the quants, scales that are small and finite. */
function weightBytes(format: BlockFormatName, count: number, seed: number): Uint8Array {
  const numbers = noise(count, seed);
  if (format === 'f32') return new Uint8Array(Float32Array.from(numbers).buffer);
  if (format === 'bf16')
    return new Uint8Array(
      Uint16Array.from(new Uint32Array(Float32Array.from(numbers).buffer), (bits) => bits >>> 16).buffer,
    );
  if (format === 'f16') return new Uint8Array(Uint16Array.from(numbers, smallHalf).buffer);
  const { blockSize, fileBytesPerBlock: bytes } = weightFormats[format];
  const result = Uint8Array.from(noise((count / blockSize) * bytes, seed), (x) => Math.floor((x + 1) * 128));
  const view = new DataView(result.buffer);
  for (let block = 0; block < count / blockSize; block++)
    scaleOffsets[format].forEach((offset, i) =>
      view.setUint16(block * bytes + offset, smallHalf(noise(1, seed + 7 * block + i)[0] ?? 0), true),
    );
  return result;
}

/** A half-precision number of either sign between 2⁻⁵ and 2⁻³, whose mantissa is taken from `x` in [-1, 1). */
function smallHalf(x: number): number {
  return (x < 0 ? 0x8000 : 0) | (0x2800 + Math.floor(Math.abs(x) * 0x7ff));
}

/** A frozen weight of arbitrary numbers in any format. */
export function weight(format: BlockFormatName, rows: number, columns: number, seed = 5): Operand {
  return { kind: 'weight', shape: [rows, columns], format, bytes: weightBytes(format, rows * columns, seed) };
}
