import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../formats/errors.ts';
import { scaleOffsets } from '../../tests/ops/weightBytes.ts';
import { weightFormats } from './registry.ts';
import { planeBytes } from './shards.ts';

const names = ['q5_0', 'q5_1', 'q2_k', 'q3_k', 'q4_k', 'q5_k', 'q6_k'] as const;

interface Blocks {
  readonly rows: number;
  readonly columns: number;
  readonly bytes: string;
  readonly values: string;
}

const cases = JSON.parse(
  readFileSync(new URL('../../tests/fixtures/quant/gguf.json', import.meta.url), 'utf8'),
) as Record<(typeof names)[number], Blocks>;
const fromBase64 = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

describe.each(names)('%s', (name) => {
  const format = weightFormats[name];
  const { rows, columns, bytes, values } = cases[name];
  const file = fromBase64(bytes);
  const expected = new Float32Array(fromBase64(values).buffer);
  /** −0 and 0 are one number: 0 · q + m is 0 where gguf's 0 · (q − 16) is −0 */
  const plain = (numbers: Float32Array) => Array.from(numbers, (value) => value + 0);

  it('decodes to what gguf’s own decoder gives, exactly, at any alignment', () => {
    expect(plain(format.decode(file, rows * columns))).toEqual(plain(expected));
    const odd = new Uint8Array(file.byteLength + 1);
    odd.set(file, 1);
    expect(plain(format.decode(odd.subarray(1), rows * columns))).toEqual(plain(expected));
  });

  it('re-orders rows together as it does one by one, filling the last row group with zeros', () => {
    const planes = format.repack(file, rows, columns);
    expect(planes.map((plane) => plane.byteLength)).toEqual(planeBytes(format, rows, columns));
    const first = format.repack(file.subarray(0, (4 * file.byteLength) / rows), 4, columns);
    const last = format.repack(file.subarray((4 * file.byteLength) / rows), 1, columns);
    planes.forEach((plane, i) => expect(plane).toEqual(new Uint8Array([...first[i]!, ...last[i]!])));
  });

  it('refuses a scale that is not finite, and bytes that are not its blocks', () => {
    for (const offset of scaleOffsets[name])
      for (const scale of [0x7c00, 0xfc00, 0x7e00]) {
        const block = new Uint8Array(format.fileBytesPerBlock);
        new DataView(block.buffer).setUint16(offset, scale, true);
        expect(() => format.repack(block, 1, format.blockSize)).toThrow(UserError);
      }
    expect(() => format.decode(new Uint8Array(format.fileBytesPerBlock), format.blockSize + 1)).toThrow(RangeError);
    expect(() => format.repack(new Uint8Array(format.fileBytesPerBlock), 2, format.blockSize)).toThrow(RangeError);
  });
});
