import type { BlockFormatName } from '../src/quant/format.ts';
import { floatToHalf } from '../src/quant/half.ts';
import { weightFormats } from '../src/quant/registry.ts';
import { scaleOffsets } from '../tests/ops/weightBytes.ts';
import { extents, nameOf, type Product } from './shapes.ts';

/** Repeatable numbers in [-1, 1). */
export function noise(count: number, seed: number): Float32Array<ArrayBuffer> {
  const numbers = new Float32Array(count);
  let state = seed >>> 0;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    numbers[i] = state / 2 ** 31 - 1;
  }
  return numbers;
}

/** File bytes of `count` weights: every bit pattern of the quants, scales that are small and finite. */
export function weightBytes(format: BlockFormatName, count: number, seed: number): Uint8Array<ArrayBuffer> {
  if (format === 'f32') return new Uint8Array(noise(count, seed).buffer);
  if (format === 'bf16')
    return new Uint8Array(Uint16Array.from(new Uint32Array(noise(count, seed).buffer), (bits) => bits >>> 16).buffer);
  if (format === 'f16') return new Uint8Array(Uint16Array.from(noise(count, seed), floatToHalf).buffer);
  const { blockSize, fileBytesPerBlock } = weightFormats[format];
  const blocks = count / blockSize;
  const bytes = new Uint8Array(blocks * fileBytesPerBlock);
  const words = noise(Math.ceil(bytes.length / 2), seed);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (words[i >> 1] ?? 0) * (i & 1 ? 32768 : 128);
  const scales = noise(2 * blocks, seed + 1);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++)
    scaleOffsets[format].forEach((offset, i) =>
      view.setUint16(block * fileBytesPerBlock + offset, floatToHalf((scales[2 * block + i] ?? 0) / 8), true),
    );
  return bytes;
}

/** Share of Σ|left·weight| by which a result may miss the sum in doubles: f32 rounding in any order of summation. */
const tolerance = 1e-5;

/** Holds some elements of a result against sums in doubles. Throws naming the first that is wrong. */
export function checkResult(
  who: string,
  product: Product,
  left: Float32Array,
  weight: Float32Array,
  result: Float32Array,
): void {
  const { direction, rows, inFeatures } = product;
  const { depth, columns } = extents(product);
  if (result.length !== rows * columns)
    throw new Error(`${who} gave ${result.length} numbers for ${nameOf(product)}, not ${rows * columns}`);
  for (let point = 0; point < 40; point++) {
    const row = (point * 7919) % rows;
    const column = (point * 104729) % columns;
    let sum = 0;
    let size = 0;
    for (let k = 0; k < depth; k++) {
      const at = direction === 'forward' ? column * inFeatures + k : k * inFeatures + column;
      const term = (left[row * depth + k] ?? NaN) * (weight[at] ?? NaN);
      sum += term;
      size += Math.abs(term);
    }
    const actual = result[row * columns + column] ?? NaN;
    if (!(Math.abs(actual - sum) <= tolerance * size))
      throw new Error(`${who} is wrong for ${nameOf(product)}: at [${row}, ${column}] ${actual}, not ${sum}`);
  }
}
