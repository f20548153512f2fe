import fc from 'fast-check';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { memorySource } from './byteSource.ts';
import { UserError } from './errors.ts';
import { readFloatTensor, readFloatTensors } from './floatTensors.ts';
import { fileSource } from './nodeFiles.ts';
import { readSafetensors } from './safetensors.ts';
import { planSafetensors, writeSafetensors } from './safetensorsWriter.ts';
import { readTensorBytes } from './tensorEntry.ts';

const fixture = (name: string) =>
  fileSource(fileURLToPath(new URL(`../../tests/fixtures/formats/${name}`, import.meta.url)));

/** A file with any header text and that many bytes of data. */
function fileWith(header: string, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + json.byteLength + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.byteLength), true);
  file.set(json, 8);
  return file;
}

const read = (bytes: Uint8Array) => readSafetensors(memorySource(bytes, 'model.safetensors'));
const f32 = (start: number, end: number, shape: number[]) => ({ dtype: 'F32', shape, data_offsets: [start, end] });

describe('a file written by the Python library', () => {
  it('gives every tensor with its type, shape and values', async () => {
    const { tensors, metadata } = await readSafetensors(await fixture('dtypes.safetensors'));
    expect(metadata).toEqual({ format: 'pt', made_by: 'safetensors' });
    const described = Object.fromEntries([...tensors].map(([name, { format, shape }]) => [name, [format, shape]]));
    expect(described).toEqual({
      f32: ['f32', [2, 3]],
      f16: ['f16', [1, 2]],
      bf16: ['bf16', [1, 3]],
      i64: ['i64', [2]],
      u8: ['u8', [1]],
      bool: ['bool', [3]],
      scalar: ['f32', []],
      empty: ['f32', [0, 4]],
    });
    const values = async (name: string) => [...(await readFloatTensor(tensors.get(name)!)).data];
    expect(await values('f32')).toEqual([0, 0.25, 0.5, 0.75, 1, 1.25]);
    expect(await values('f16')).toEqual([1.5, -2]);
    expect(await values('bf16')).toEqual([1.5, -2, 0.25]);
    expect(await values('i64')).toEqual([7, -1]);
    expect(await values('u8')).toEqual([255]);
    expect(await values('scalar')).toEqual([3.5]);
    expect(await values('empty')).toEqual([]);
    await expect(values('bool')).rejects.toThrow(/Tensor bool in dtypes\.safetensors has the type BOOL/);
  });
});

describe('header lies', () => {
  it.each<[string, string, number, RegExp]>([
    ['is not JSON', '{"a":', 0, /not valid JSON/],
    ['is a list', '[]', 0, /not a JSON object/],
    [
      'names a tensor twice',
      `{"w":${JSON.stringify(f32(0, 4, [1]))},"w":${JSON.stringify(f32(0, 4, [1]))}}`,
      4,
      /tensor w twice/,
    ],
    [
      'names a tensor twice, once escaped',
      `{"w":${JSON.stringify(f32(0, 4, [1]))},"\\u0077":${JSON.stringify(f32(4, 8, [1]))}}`,
      8,
      /tensor w twice/,
    ],
    [
      'points outside the file',
      JSON.stringify({ w: f32(0, 8, [2]) }),
      4,
      /Tensor w .* ends at byte 8 of the data, but the file holds 4/,
    ],
    [
      'gives two tensors the same bytes',
      JSON.stringify({ a: f32(0, 8, [2]), b: f32(4, 8, [1]) }),
      8,
      /Tensors a and b .* share bytes/,
    ],
    [
      'leaves a hole',
      JSON.stringify({ a: f32(0, 4, [1]), b: f32(8, 12, [1]) }),
      12,
      /4 bytes that belong to no tensor/,
    ],
    ['leaves bytes at the end', JSON.stringify({ a: f32(0, 4, [1]) }), 9, /5 bytes that belong to no tensor/],
    [
      'has a shape that is not its bytes',
      JSON.stringify({ w: f32(0, 8, [3]) }),
      8,
      /Tensor w .* has 8 bytes, but F32 of shape \[3\] takes 12/,
    ],
    ['has a negative dimension', JSON.stringify({ w: f32(0, 4, [-1]) }), 4, /Tensor w .* impossible shape/],
    ['overflows', JSON.stringify({ w: f32(0, 0, [2 ** 40, 2 ** 40]) }), 0, /Tensor w .* impossible shape/],
    ['runs backwards', JSON.stringify({ w: f32(4, 0, [1]) }), 4, /Tensor w .* run backwards/],
    ['has an unknown type', '{"w":{"dtype":"Q9","shape":[],"data_offsets":[0,4]}}', 4, /Tensor w .* type Q9/],
    [
      'has a type named like a method',
      '{"w":{"dtype":"toString","shape":[],"data_offsets":[0,4]}}',
      4,
      /type toString/,
    ],
    [
      'has fractional offsets',
      '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0.5,4.5]}}',
      5,
      /no valid data_offsets/,
    ],
    ['has metadata that is not text', '{"__metadata__":{"a":1}}', 0, /__metadata__/],
  ])('a header that %s is refused', async (_, header, dataBytes, message) => {
    const reading = read(fileWith(header, dataBytes));
    await expect(reading).rejects.toThrow(UserError);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow('model.safetensors');
  });

  it('a length beyond reason or beyond the file is refused', async () => {
    const absurd = new Uint8Array(16).fill(0xff);
    await expect(read(absurd)).rejects.toThrow(/claims a header of/);
    const cut = fileWith(JSON.stringify({ w: f32(0, 4, [1]) }), 4).subarray(0, 20);
    await expect(read(cut)).rejects.toThrow(/ends inside its header/);
    await expect(read(new Uint8Array(3))).rejects.toThrow(/only 3 bytes/);
  });

  it('any cut of a good file is refused', async () => {
    const good = writeSafetensors([
      { name: 'a', shape: [2, 2], data: new Float32Array(4) },
      { name: 'b', shape: [3], data: new Float32Array(3) },
    ]);
    await fc.assert(
      fc.asyncProperty(fc.nat(good.byteLength - 1), async (length) => {
        await expect(read(good.subarray(0, length))).rejects.toThrow(UserError);
      }),
    );
  });
});

describe('the writer', () => {
  it('gives back what it was given', async () => {
    const tensor = fc.record({ name: fc.string(), values: fc.array(fc.float({ noNaN: true }), { maxLength: 9 }) });
    const tensors = fc
      .uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 })
      .filter((list) => list.every(({ name }) => name !== '__metadata__'));
    await fc.assert(
      fc.asyncProperty(tensors, async (list) => {
        const written = writeSafetensors(
          list.map(({ name, values }) => ({ name, shape: [values.length, 1], data: Float32Array.from(values) })),
        );
        const found = await readFloatTensors(memorySource(written, 'w'));
        expect(found.size).toBe(list.length);
        for (const { name, values } of list) {
          expect(found.get(name)).toEqual({ shape: [values.length, 1], data: Float32Array.from(values) });
        }
      }),
    );
  });

  it('aligns each tensor to its element and says that the file is for PyTorch', async () => {
    const written = writeSafetensors([
      { name: 'mask', shape: [3], dtype: 'U8', data: new Uint8Array([1, 2, 3]) },
      { name: 'half', shape: [1], dtype: 'F16', data: new Uint8Array([0, 60]) },
      { name: 'weight', shape: [1], data: new Float32Array([2]) },
    ]);
    const { tensors, metadata } = await read(written);
    expect(metadata).toEqual({ format: 'pt' });
    expect(tensors.get('weight')!.byteOffset % 8).toBe(0);
    expect(tensors.get('half')!.byteOffset % 2).toBe(0);
    expect([...(await readTensorBytes(tensors.get('mask')!))]).toEqual([1, 2, 3]);
  });

  it('plans the same bytes for a file that is written piece by piece', () => {
    const whole = writeSafetensors([
      { name: 'b', shape: [2], data: new Float32Array([1, 2]) },
      { name: 'a', shape: [1], data: new Float32Array([3]) },
    ]);
    const plan = planSafetensors([
      { name: 'b', shape: [2], dtype: 'F32' },
      { name: 'a', shape: [1], dtype: 'F32' },
    ]);
    expect(plan.byteLength).toBe(whole.byteLength);
    expect(plan.order.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(plan.header).toEqual(whole.slice(0, plan.header.byteLength));
  });

  it('refuses a name that occurs twice and data that is not its shape', () => {
    const tensor = { name: 'w', shape: [1], data: new Float32Array(1) };
    expect(() => writeSafetensors([tensor, tensor])).toThrow('w is given twice');
    expect(() => writeSafetensors([{ ...tensor, shape: [2] }])).toThrow('w has 4 bytes');
  });
});
