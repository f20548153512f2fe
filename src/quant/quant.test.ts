import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../formats/errors.ts';
import type { FormatName } from './format.ts';
import { bfloatToFloat, floatToBfloat, floatToHalf, halfToFloat } from './half.ts';
import { weightFormats } from './registry.ts';
import { planeBytes } from './shards.ts';

interface QuantCase {
  rows: number;
  columns: number;
  bytes: string;
  values: string;
}

const fixture = <T>(name: string) =>
  JSON.parse(readFileSync(new URL(`../../tests/fixtures/formats/${name}`, import.meta.url), 'utf8')) as T;
const fromBase64 = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const floats = (text: string) => new Float32Array(fromBase64(text).buffer);
const halves = (text: string) => new Uint16Array(fromBase64(text).buffer);
const cases = fixture<Record<'q8_0' | 'q4_0' | 'q4_1', QuantCase>>('quant_blocks.json');
const blockFormats = ['q8_0', 'q4_0', 'q4_1'] as const;

const sha256 = (values: Float32Array) => createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');
const withoutNaN = (values: Float32Array) => values.map((value) => (Number.isNaN(value) ? 0 : value));
const everyPattern = new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer);

/** What a kernel reads, written plainly from the layout's description: weight (row, column) of the planes. */
function readPlanes(format: FormatName, planes: Uint8Array[], columns: number, row: number, column: number): number {
  const [values, scales] = planes.map(
    (plane) => new Uint32Array(plane.buffer, plane.byteOffset, plane.byteLength / 4),
  ) as [Uint32Array, Uint32Array];
  const rowGroup = row >> 2;
  const scale = scales[(rowGroup * (columns / 32) + (column >> 5)) * 4 + (row % 4)]!;
  const d = halfToFloat(scale & 0xffff);
  const m = halfToFloat(scale >>> 16);
  if (format === 'q8_0') {
    const word = values[(rowGroup * (columns / 4) + (column >> 2)) * 4 + (row % 4)]!;
    return d * ((((word >>> (8 * (column % 4))) & 0xff) << 24) >> 24) + m;
  }
  const word = values[(rowGroup * (columns / 8) + (column >> 3)) * 4 + (row % 4)]!;
  const nibbles = (column % 8 < 4 ? word : word >>> 4) & 0x0f0f0f0f;
  return d * ((nibbles >>> (8 * (column % 4))) & 0xff) + m;
}

describe.each(blockFormats)('%s', (name) => {
  const format = weightFormats[name];
  const { rows, columns, bytes, values } = cases[name];

  it('decodes to the very bits of gguf’s own decoder, at any alignment', () => {
    const file = fromBase64(bytes);
    expect(sha256(format.decode(file, rows * columns))).toBe(sha256(floats(values)));
    const odd = new Uint8Array(file.byteLength + 1);
    odd.set(file, 1);
    expect(sha256(format.decode(odd.subarray(1), rows * columns))).toBe(sha256(floats(values)));
  });

  it('re-orders for the GPU without losing a bit, filling the last row group with zeros', () => {
    const planes = format.repack(fromBase64(bytes), rows, columns);
    expect(planes.map((plane) => plane.byteLength)).toEqual(planeBytes(format, rows, columns));
    const expected = floats(values);
    for (let row = 0; row < 8; row++) {
      for (let column = 0; column < columns; column++) {
        const value = Math.fround(readPlanes(name, planes, columns, row, column));
        const wanted = row < rows ? expected[row * columns + column]! : 0;
        expect(value + 0, `row ${row} column ${column}`).toBe(wanted + 0); // + 0: −8d + 8d is +0 where d · 0 is −0
      }
    }
  });

  it('refuses a scale that is not finite, and bytes that are not its blocks', () => {
    for (const scale of [0x7c00, 0xfc00, 0x7e00]) {
      const block = new Uint8Array(format.fileBytesPerBlock);
      new DataView(block.buffer).setUint16(0, scale, true);
      expect(() => format.repack(block, 1, 32)).toThrow(UserError);
    }
    expect(() => format.decode(new Uint8Array(format.fileBytesPerBlock), 33)).toThrow(RangeError);
    expect(() => format.repack(new Uint8Array(format.fileBytesPerBlock), 2, 32)).toThrow(RangeError);
  });
});

it('q4_0 refuses a scale whose eightfold is beyond half precision', () => {
  const block = new Uint8Array(18);
  new DataView(block.buffer).setUint16(0, floatToHalf(8192), true);
  expect(() => weightFormats.q4_0.repack(block, 1, 32)).toThrow(/Q4_0 block has a scale/);
});

describe('plain floats', () => {
  const judge =
    fixture<Record<'sha256_of_f16_values' | 'sha256_of_bf16_values' | 'floats' | 'f16' | 'bf16', string>>(
      'halves.json',
    );

  it('every half and every bfloat decodes as numpy and gguf decode it', () => {
    expect(sha256(withoutNaN(weightFormats.f16.decode(everyPattern, 65536)))).toBe(judge.sha256_of_f16_values);
    expect(sha256(withoutNaN(weightFormats.bf16.decode(everyPattern, 65536)))).toBe(judge.sha256_of_bf16_values);
    expect(halfToFloat(0x7e00)).toBeNaN();
    expect(bfloatToFloat(0x7fc0)).toBeNaN();
  });

  it('rounds to half and bfloat as numpy and gguf round, ties to even', () => {
    const values = floats(judge.floats);
    expect([...values].map(floatToHalf)).toEqual([...halves(judge.f16)]);
    expect([...values].map(floatToBfloat)).toEqual([...halves(judge.bf16)]);
    expect(halfToFloat(floatToHalf(NaN))).toBeNaN();
    expect(bfloatToFloat(floatToBfloat(NaN))).toBeNaN();
  });

  it('f32 decodes at any alignment', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 8 }), fc.nat(3), (list, shift) => {
        const values = Float32Array.from(list);
        const bytes = new Uint8Array(values.byteLength + shift);
        bytes.set(new Uint8Array(values.buffer), shift);
        expect(weightFormats.f32.decode(bytes.subarray(shift), values.length)).toEqual(values);
      }),
    );
  });

  it.each(['f16', 'bf16'] as const)('%s fills an odd number of weights to a whole word', (name) => {
    const planes = weightFormats[name].repack(new Uint8Array([1, 2, 3, 4, 5, 6]), 3, 1);
    expect(planes).toEqual([new Uint8Array([1, 2, 3, 4, 5, 6, 0, 0])]);
    expect(planeBytes(weightFormats[name], 3, 1)).toEqual([8]);
  });
});
