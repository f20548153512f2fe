import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeSafetensors } from '../../src/formats/safetensorsWriter.ts';
import { inverseFrequencies } from '../../src/models/rotary.ts';
import { ggufFile, graft, put, refusal, scratchFolder, tinyTokenizer, type GgufChanges } from './harness.ts';

let scratch: ReturnType<typeof scratchFolder>;
beforeEach(() => (scratch = scratchFolder()));
afterEach(() => scratch.remove());

const merged = () => join(scratch.path, 'merged');

/** Arguments that merge a LoRA of the down projection, all of whose products are 2, into such a file. */
function mergeOf(changes: GgufChanges): string[] {
  const key = 'base_model.model.model.layers.0.mlp.down_proj.lora_';
  const adapter = join(scratch.path, 'adapter');
  put(join(adapter, 'adapter_config.json'), { peft_type: 'LORA', r: 2, lora_alpha: 2, target_modules: ['down_proj'] });
  const tensors = [
    { name: `${key}A.weight`, shape: [2, 64], data: new Float32Array(128).fill(1) },
    { name: `${key}B.weight`, shape: [32, 2], data: new Float32Array(64).fill(1) },
  ];
  put(join(adapter, 'adapter_model.safetensors'), writeSafetensors(tensors));
  const model = put(join(scratch.path, 'gguf', 'a.gguf'), ggufFile(changes));
  return ['merge', '--model', model, '--adapter', adapter, '--output', merged()];
}

const config = () => JSON.parse(readFileSync(join(merged(), 'config.json'), 'utf8')) as Record<string, unknown>;

/** Llama 3.1's, as llama.cpp writes them for heads of 16. */
function llama3Factors(): number[] {
  const scaling = {
    type: 'llama3',
    factor: 8,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalMaxPositionEmbeddings: 8192,
  } as const;
  const scaled = inverseFrequencies({ theta: 10000, scaling }, 16);
  return [...inverseFrequencies({ theta: 10000, scaling: { type: 'default' } }, 16)].map(
    (f, i) => f / (scaled[i] ?? 1),
  );
}

it('writes a folder that is a model again, and says that the file had no tokenizer', async () => {
  const { code, stderr } = await graft(...mergeOf({}));
  expect(code).toBe(0);
  expect(stderr).toMatch(/^no tokenizer was written: .*tokenizer\.ggml\.tokens/);
  expect(config()).toMatchObject({
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    dtype: 'float32',
    tie_word_embeddings: true,
    rope_parameters: { rope_type: 'default', rope_theta: 10000 },
  });
  const inspected = JSON.parse((await graft('inspect', merged())).stdout) as Record<string, unknown>;
  expect(inspected).toMatchObject({ hidden_size: 32, num_hidden_layers: 1, vocab_size: 64 });
  const file = readFileSync(join(merged(), 'model.safetensors'));
  const header = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE())).toString()) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const [start = 0] = header['model.layers.0.mlp.down_proj.weight']?.data_offsets ?? [];
  expect(file.readFloatLE(8 + Number(file.readBigUInt64LE()) + start)).toBe(2);
});

it('states the factors of Llama 3 as config.json does', async () => {
  expect((await graft(...mergeOf({ ropeFactors: llama3Factors() }))).code).toBe(0);
  expect(config()['rope_parameters']).toEqual({
    rope_type: 'llama3',
    rope_theta: 10000,
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  });
});

it('refuses factors that no config can state', async () => {
  expect(await refusal(...mergeOf({ ropeFactors: [1, 2, 3, 4, 5, 6, 7, 8] }))).toMatch(/no config\.json can state/);
});

it('takes the tokenizer.json that lies beside the file', async () => {
  const args = mergeOf({});
  const folder = join(scratch.path, 'gguf');
  put(join(folder, 'tokenizer.json'), tinyTokenizer);
  const { code, stderr } = await graft(...args.map((arg) => (arg.endsWith('.gguf') ? folder : arg)));
  expect([code, stderr]).toEqual([0, '']);
  expect(JSON.parse(readFileSync(join(merged(), 'tokenizer.json'), 'utf8'))).toEqual(tinyTokenizer);
});
