import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../formats/errors.ts';
import { weightFormats } from '../registry.ts';
import { encodeBlocks } from './encodeBlocks.ts';
import { encodeFloats } from './floats.ts';

const file = new URL('../../../tests/fixtures/quant/encodings.json', import.meta.url);
const fixture = JSON.parse(readFileSync(file, 'utf8')) as { values: string; bytes: Record<string, string> };
const fromBase64 = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

/** Numbers like those of a model's weights, always the same. */
function weights(count: number, size: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const noise = Math.sin(12.9898 * i + 78.233 * seed) * 43758.5453;
    return size * Math.tan(2.5 * (noise - Math.floor(noise) - 0.5)); // heavy tails
  });
}

/** The bytes with other values over them. */
function encoded(format: Parameters<typeof encodeBlocks>[0], values: Float32Array, stored: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(stored);
  encodeBlocks(format, values, bytes, 'blk.0.w');
  return bytes;
}

const distance = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0));

describe.each(['q4_0', 'q4_1', 'q5_0', 'q5_1', 'q8_0'] as const)('%s', (name) => {
  const values = new Float32Array(fromBase64(fixture.values).buffer);
  const expected = fromBase64(fixture.bytes[name]!);

  it('has the very bits of gguf’s own encoder', () => {
    const other = new Uint8Array(expected.length).fill(0x11);
    expect(encoded(name, values, other)).toEqual(expected);
  });

  it('keeps the bytes of a block whose values are the same, whoever encoded it', () => {
    const stored = Uint8Array.from(expected, (byte, i) =>
      i % weightFormats[name].fileBytesPerBlock < 4 ? 0x21 : byte,
    );
    const decoded = weightFormats[name].decode(stored, values.length);
    decoded[40] = 0.5;
    const { fileBytesPerBlock: bytes } = weightFormats[name];
    const made = encoded(name, decoded, stored);
    expect(made.subarray(0, bytes)).toEqual(stored.subarray(0, bytes));
    expect(made.subarray(bytes, 2 * bytes)).not.toEqual(stored.subarray(bytes, 2 * bytes));
    expect(made.subarray(2 * bytes)).toEqual(stored.subarray(2 * bytes));
  });
});

it('refuses by name a scale that no half holds', () => {
  const large = (count: number) => new Float32Array(count).fill(1e7);
  expect(() => encoded('q4_0', large(32), new Uint8Array(18))).toThrow(UserError);
  expect(() => encoded('q8_0', large(32), new Uint8Array(34))).toThrow(
    /^blk\.0\.w would need the scale 78740.*, which Q8_0 cannot hold, so nothing was written/,
  );
  expect(() => encoded('q6_k', large(256).fill(1e9), new Uint8Array(210))).toThrow(
    /^blk\.0\.w .* which Q6_K cannot hold/,
  );
  expect(() => encodeFloats('f16', large(32), 'blk.0.w')).toThrow(/^blk\.0\.w .* F16 cannot/);
});

describe.each(['q2_k', 'q3_k', 'q4_k', 'q5_k', 'q6_k'] as const)('%s', (name) => {
  const { decode, fileBytesPerBlock } = weightFormats[name];
  const count = 8 * 256;
  const stored = encoded(name, weights(count, 0.02, 1), new Uint8Array(8 * fileBytesPerBlock));
  const base = decode(stored, count);

  /** The superblocks with their scales as they are and the nearest codes, found by trying each. */
  function withKeptScales(values: Float32Array): Float32Array {
    const nearest = Float32Array.from(values, () => Infinity);
    const blank = (fill: number) => {
      const bytes = new Uint8Array(stored);
      for (const at of codeBytes[name])
        for (let block = 0; block < 8; block++) bytes[block * fileBytesPerBlock + at] = fill;
      return decode(bytes, count);
    };
    for (let fill = 0; fill < 256; fill++)
      blank(fill).forEach((value, i) => {
        if (Math.abs(value - values[i]!) < Math.abs(nearest[i]! - values[i]!)) nearest[i] = value;
      });
    return nearest;
  }

  it('encodes weights from nothing within what its bits allow', () => {
    const most = { q2_k: 0.35, q3_k: 0.2, q4_k: 0.1, q5_k: 0.05, q6_k: 0.03 }[name];
    const values = weights(count, 0.02, 1);
    expect(distance(base, values) / distance(values, new Float32Array(count))).toBeLessThan(most);
  });

  it('keeps all bytes where nothing changes', () => {
    expect(encoded(name, base, stored)).toEqual(stored);
  });

  it('takes the nearest codes and keeps the scales where they reach', () => {
    const noise = weights(count, 0.0002, 2);
    const values = base.map(
      (value, i) => value + 0.1 * Math.sign(base[(i + 1) % count]! - value) * Math.abs(noise[i]!),
    );
    const nearest = withKeptScales(values);
    const chosen = decode(encoded(name, values, stored), count);
    expect(distance(chosen, values)).toBeLessThanOrEqual(distance(nearest, values) * (1 + 1e-6));
  });

  it('fits scales anew where weights leave their reach, and never does worse for it', () => {
    const values = base.map((value) => 1.7 * value);
    const chosen = decode(encoded(name, values, stored), count);
    expect(distance(chosen, values)).toBeLessThan(0.5 * distance(withKeptScales(values), values));
  });
});

/** Bytes of a superblock that hold codes alone. */
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const codeBytes = {
  q2_k: range(16, 80),
  q3_k: range(0, 96),
  q4_k: range(16, 144),
  q5_k: range(16, 176),
  q6_k: range(0, 192),
} as const;
