import { expect, it } from 'vitest';
import { memorySource } from '../formats/byteSource.ts';
import { readTensorBytes } from '../formats/tensorEntry.ts';
import { weightFormats } from '../quant/registry.ts';
import type { BlockTensor } from './checkpoint.ts';
import { rewriteTensor } from './rewriteTensor.ts';

const shape = [2, 32];

function stored(format: 'f32' | 'q8_0'): BlockTensor {
  const { blockSize, fileBytesPerBlock } = weightFormats[format];
  const bytes = new Uint8Array((64 / blockSize) * fileBytesPerBlock);
  const entry = { name: 'blk.0.w', shape, format, source: memorySource(bytes, 'model'), byteOffset: 0 };
  return { entry: { ...entry, byteLength: bytes.byteLength }, shape, format };
}

it.each(['f32', 'q8_0'] as const)(
  'reads back as what it was given, and leaves the file as it is: %s',
  async (format) => {
    const values = Float32Array.from({ length: 64 }, (_, i) => (i % 32 === 0 ? 127 : i));
    const tensor = stored(format);
    const { parts, tensor: made } = await rewriteTensor(tensor, values);
    expect([...parts.keys()]).toEqual(['blk.0.w']);
    expect(weightFormats[format].decode(await readTensorBytes(made.entry), 64)).toEqual(values);
    expect((await readTensorBytes(tensor.entry)).every((byte) => byte === 0)).toBe(true);
  },
);

it.each([NaN, Infinity])('refuses %s by the name of the tensor, whatever its format makes of it', async (number) => {
  const values = new Float32Array(64).fill(number, 63);
  await expect(rewriteTensor(stored('q8_0'), values)).rejects.toThrow(/^blk\.0\.w would hold numbers .* not finite/);
});
