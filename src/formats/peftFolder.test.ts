import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { FileSet } from './byteSource.ts';
import { memorySource } from './byteSource.ts';
import { UserError } from './errors.ts';
import { folderFiles } from './nodeFiles.ts';
import { isAdapterFolder, readAdapterFolder } from './adapterFolder.ts';
import { writePeftFolder } from './peftFolder.ts';

const fixtures = fileURLToPath(new URL('../../tests/fixtures/formats/', import.meta.url));
const inMemory = (files: ReadonlyMap<string, Uint8Array>): FileSet =>
  new Map([...files].map(([path, bytes]) => [path, memorySource(bytes, path)]));
const text = (value: string) => new TextEncoder().encode(value);

it('reads an adapter that PEFT saved in bfloat16, as the same values in f32', async () => {
  const files = await folderFiles(`${fixtures}peft-lora-bf16`);
  expect(isAdapterFolder(files)).toBe(true);
  const { config, tensors } = await readAdapterFolder(files);
  expect(config).toMatchObject({ peft_type: 'LORA', r: 2, lora_alpha: 4 });
  const expected = JSON.parse(readFileSync(`${fixtures}peft-lora-bf16.values.json`, 'utf8')) as Record<
    string,
    number[][]
  >;
  const nested = Object.fromEntries(
    [...tensors].map(([name, { shape, data }]) => {
      const [rows, columns] = shape as [number, number];
      return [name, Array.from({ length: rows }, (_, row) => [...data.subarray(row * columns, (row + 1) * columns)])];
    }),
  );
  expect(nested).toEqual(expected);
});

it('writes the folder that it reads, with sorted keys', async () => {
  const tensors = new Map([
    ['base_model.model.q_proj.lora_A.weight', { shape: [1, 2], data: new Float32Array([0.5, -1]) }],
  ]);
  const written = writePeftFolder({ r: 1, peft_type: 'LORA' }, tensors);
  expect([...written.keys()]).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  expect(new TextDecoder().decode(written.get('adapter_config.json'))).toBe('{\n  "peft_type": "LORA",\n  "r": 1\n}');
  const read = await readAdapterFolder(inMemory(written));
  expect(read.config).toEqual({ peft_type: 'LORA', r: 1 });
  expect(read.tensors).toEqual(tensors);
});

it.each([NaN, Infinity, -Infinity])('refuses to write %d, naming the tensor', (value) => {
  const tensors = new Map([
    ['good', { shape: [1], data: new Float32Array([1]) }],
    ['q_proj.lora_B.weight', { shape: [2], data: new Float32Array([0, value]) }],
  ]);
  expect(() => writePeftFolder({ peft_type: 'LORA' }, tensors)).toThrow(UserError);
  expect(() => writePeftFolder({ peft_type: 'LORA' }, tensors)).toThrow(
    /q_proj\.lora_B\.weight holds values that are not finite/,
  );
});

describe('folders that are refused by name', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    ['no config', { 'adapter_model.safetensors': '' }, /no adapter_config\.json/],
    ['no peft_type', { 'adapter_config.json': '{"r": 8}' }, /neither the peft_type/],
    ['no weights', { 'adapter_config.json': '{"peft_type": "LORA"}' }, /no adapter_model\.safetensors/],
    [
      'pickled weights',
      { 'adapter_config.json': '{"peft_type": "LORA"}', 'adapter_model.bin': '' },
      /adapter_model\.bin, which Graft does not read/,
    ],
  ])('%s', async (_, contents, message) => {
    const files = inMemory(new Map(Object.entries(contents).map(([path, content]) => [path, text(content)])));
    await expect(readAdapterFolder(files)).rejects.toThrow(UserError);
    await expect(readAdapterFolder(files)).rejects.toThrow(message);
  });
});
