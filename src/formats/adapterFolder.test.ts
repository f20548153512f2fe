import { describe, expect, it } from 'vitest';
import { isAdapterFolder, readAdapterFolder, writeAdapterFolder } from './adapterFolder.ts';
import { memorySource, type FileSet } from './byteSource.ts';
import { UserError } from './errors.ts';

const inMemory = (files: ReadonlyMap<string, Uint8Array>): FileSet =>
  new Map([...files].map(([path, bytes]) => [path, memorySource(bytes, path)]));
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

const down = 'model.layers.0.output_adapters.adapters.pear.adapter_down.0.weight';
const bias = 'model.layers.0.output_adapters.adapters.pear.adapter_down.0.bias';
const tensors = new Map([
  [down, { shape: [2, 3], data: Float32Array.of(0.5, -1, 0.25, 0, 0, 0) }],
  [bias, { shape: [2], data: Float32Array.of(0.1, 0.3) }],
]);
const config = {
  name: 'pear',
  config: { scaling: 4, leave_out: [1], dropout: 0 },
  model_type: 'llama',
  hidden_size: 3,
};

describe("AdapterHub's folder", () => {
  it('is read as it was written, with numbers that Python takes for floats', async () => {
    const files = writeAdapterFolder({ config, tensors });
    expect([...files.keys()]).toEqual(['adapter_config.json', 'adapter.safetensors']);
    expect(text(files.get('adapter_config.json'))).toMatch(/"scaling": 4\.0\n/);
    expect(text(files.get('adapter_config.json'))).toMatch(/"dropout": 0\.0,/);
    expect(text(files.get('adapter_config.json'))).toMatch(/"hidden_size": 3,/);
    expect(await readAdapterFolder(inMemory(files))).toEqual({ config, tensors });
  });

  it('keeps a head in files of its own', async () => {
    const head = new Map([...tensors, ['classifier.weight', { shape: [2, 3], data: new Float32Array(6).fill(2) }]]);
    const files = writeAdapterFolder({ config: { ...config, label2id: { sweet: 0, sour: 1 } }, tensors: head });
    expect([...files.keys()].sort()).toEqual([
      'adapter.safetensors',
      'adapter_config.json',
      'head_config.json',
      'model_head.safetensors',
    ]);
    expect(JSON.parse(text(files.get('head_config.json')))).toMatchObject({
      config: null,
      name: null,
      num_labels: 2,
      label2id: { sour: 1 },
    });
    const read = await readAdapterFolder(inMemory(files));
    expect(new Map(read.tensors)).toEqual(head);
  });

  it('holds matrices in INT8 to within half a step of each row, and vectors as they are', async () => {
    const files = writeAdapterFolder({ config: { ...config, weights_dtype: 'int8' }, tensors });
    expect(files.has('adapter.safetensors')).toBe(false);
    const read = await readAdapterFolder(inMemory(files));
    expect([...(read.tensors.get(bias)?.data ?? [])]).toEqual([...Float32Array.of(0.1, 0.3)]);
    const values = read.tensors.get(down)?.data ?? [];
    [0.5, -1, 0.25, 0, 0, 0].forEach((value, i) =>
      expect(Math.abs((values[i] ?? NaN) - value)).toBeLessThanOrEqual(1 / 254 + 1e-7),
    );
    expect([...read.tensors.keys()].sort()).toEqual([bias, down]);
  });

  it('is refused where it holds pickled weights, or none that are finite', async () => {
    const files = new Map([...writeAdapterFolder({ config, tensors })].filter(([path]) => path.endsWith('.json')));
    await expect(readAdapterFolder(inMemory(files.set('pytorch_adapter.bin', new Uint8Array())))).rejects.toThrow(
      /pickled/,
    );
    const broken = new Map([[down, { shape: [1, 1], data: Float32Array.of(NaN) }]]);
    expect(() => writeAdapterFolder({ config, tensors: broken })).toThrow(UserError);
  });
});

it('an adapter of two parts has a folder for each library, and is read back whole', async () => {
  const lora = { peft_type: 'LORA', r: 1 };
  const key = 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight';
  const both = new Map([...tensors, [key, { shape: [1, 3], data: Float32Array.of(1, 2, 3) }]]);
  const folder = { config: { peft_type: 'HYBRID', lora, adapter: config }, tensors: both };
  const files = writeAdapterFolder(folder);
  expect([...files.keys()].sort()).toEqual([
    'README.md',
    'adapter/adapter.safetensors',
    'adapter/adapter_config.json',
    'lora/adapter_config.json',
    'lora/adapter_model.safetensors',
  ]);
  expect(isAdapterFolder(inMemory(files))).toBe(true);
  const read = await readAdapterFolder(inMemory(files));
  expect(read.config).toEqual(folder.config);
  expect(read.tensors.size).toBe(3);
  const part = await readAdapterFolder(new Map([...inMemory(files)].filter(([path]) => path.startsWith('lora/'))));
  expect(part).toMatchObject({ config: lora });
});
