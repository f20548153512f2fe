import type { FormatName } from '../../src/quant/format.ts';
import type { Operand } from './harness.ts';
import { noise } from './harness.ts';

/** Bytes of one block and where its half-precision scales lie in it, as in a file. */
const blocks: Readonly<Record<'q8_0' | 'q4_0' | 'q4_1', { readonly bytes: number; readonly scales: number }>> = {
  q8_0: { bytes: 34, scales: 1 },
  q4_0: { bytes: 18, scales: 1 },
  q4_1: { bytes: 20, scales: 2 },
};

/** Repeatable file bytes of `count` weights: every bit pattern of the quants, scales that are small and finite. */
function weightBytes(format: FormatName, count: number, seed: number): Uint8Array {
  const numbers = noise(count, seed);
  if (format === 'f32') return new Uint8Array(Float32Array.from(numbers).buffer);
  if (format === 'bf16')
    return new Uint8Array(
      Uint16Array.from(new Uint32Array(Float32Array.from(numbers).buffer), (bits) => bits >>> 16).buffer,
    );
  if (format === 'f16') return new Uint8Array(Uint16Array.from(numbers, smallHalf).buffer);
  const { bytes, scales } = blocks[format];
  const result = Uint8Array.from(noise((count / 32) * bytes, seed), (x) => Math.floor((x + 1) * 128));
  const view = new DataView(result.buffer);
  for (let block = 0; block < count / 32; block++) {
    for (let i = 0; i < scales; i++)
      view.setUint16(block * bytes + 2 * i, smallHalf(noise(1, seed + 7 * block + i)[0] ?? 0), true);
  }
  return result;
}

/** A half-precision number of either sign between 2⁻⁵ and 2⁻³, whose mantissa is taken from `x` in [-1, 1). */
function smallHalf(x: number): number {
  return (x < 0 ? 0x8000 : 0) | (0x2800 + Math.floor(Math.abs(x) * 0x7ff));
}

/** A frozen weight of arbitrary numbers in any format. */
export function weight(format: FormatName, rows: number, columns: number, seed = 5): Operand {
  return { kind: 'weight', shape: [rows, columns], format, bytes: weightBytes(format, rows * columns, seed) };
}
