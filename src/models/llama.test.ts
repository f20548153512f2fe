import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openPath } from '../formats/nodeFiles.ts';
import { neededShapes, openCheckpoint, readDecoded, readRows } from './checkpoint.ts';
import { llama } from './llama.ts';
import { readLlamaConfig } from './llamaConfig.ts';
import { describeModel, familyOfGguf } from './registry.ts';
import { shardsOf, weightBytes } from './weightStore.ts';
import { Graph } from '../graph/graph.ts';

const models = fileURLToPath(new URL('../../tests/fixtures/parity/models/', import.meta.url));

const small = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  vocab_size: 100,
};

describe('config.json', () => {
  it('means the same in the spelling of Transformers 4 and of 5', () => {
    const four = { ...small, torch_dtype: 'float16', rope_theta: 5e5, rope_scaling: { type: 'linear', factor: 2 } };
    const five = { ...small, dtype: 'float16', rope_parameters: { rope_type: 'linear', rope_theta: 5e5, factor: 2 } };
    const { slidingWindow: _, ...ours } = readLlamaConfig(four);
    expect(readLlamaConfig(five)).toMatchObject(ours);
  });

  it('is filled with the defaults of its own family', () => {
    const alone = { ...small, num_key_value_heads: undefined };
    expect(readLlamaConfig(alone)).toMatchObject({ numKeyValueHeads: 4, headDim: 16, qkvBias: false, headNorm: false });
    expect(readLlamaConfig({ ...small, model_type: 'qwen2' })).toMatchObject({ qkvBias: true, outputBias: false });
    expect(readLlamaConfig({ ...small, model_type: 'qwen3' })).toMatchObject({ headDim: 128, headNorm: true });
    expect(readLlamaConfig({ ...alone, num_attention_heads: 16, model_type: 'mistral' }).numKeyValueHeads).toBe(8);
    expect(readLlamaConfig({ ...small, num_key_value_heads: null, model_type: 'qwen2' }).numKeyValueHeads).toBe(4);
  });

  it('gives each layer its window of attention', () => {
    const windows = (config: Readonly<Record<string, unknown>>) => {
      const { slidingWindow } = readLlamaConfig({ ...small, num_hidden_layers: 3, ...config });
      return [0, 1, 2].map(slidingWindow);
    };
    expect(windows({ model_type: 'mistral' })).toEqual([4096, 4096, 4096]);
    expect(windows({ model_type: 'mistral', sliding_window: null })).toEqual([0, 0, 0]);
    expect(windows({ model_type: 'qwen2', sliding_window: 32 })).toEqual([0, 0, 0]);
    expect(
      windows({ model_type: 'qwen2', sliding_window: 32, use_sliding_window: true, max_window_layers: 1 }),
    ).toEqual([0, 32, 32]);
    const everywhere = { model_type: 'qwen3', sliding_window: 32, use_sliding_window: true, max_window_layers: 0 };
    expect(windows(everywhere)).toEqual([32, 32, 32]);
    const layer_types = ['sliding_attention', 'full_attention', 'sliding_attention'];
    expect(windows({ model_type: 'qwen3', use_sliding_window: true, sliding_window: 8, layer_types })).toEqual([
      8, 0, 8,
    ]);
    expect(windows({ model_type: 'mistral', sliding_window: 8, layer_types })).toEqual([8, 8, 8]);
    expect(windows({ model_type: 'llama', sliding_window: 8, layer_types })).toEqual([0, 0, 0]);
  });

  it.each([
    [{ model_type: 'gpt_neox' }, /model_type "gpt_neox" is not supported\. Nearest to it here is gpt2\. .*llama/],
    [{ model_type: 'mamba', num_attention_heads: undefined }, /model_type "mamba" is not supported\. Graft runs llama/],
    [{ model_type: 'mixtral' }, /Nearest to it here is llama\./],
    [{ model_type: 'electra', type_vocab_size: 2 }, /Nearest to it here is bert\./],
    [{ model_type: 'bart', is_encoder_decoder: true }, /Nearest to it here is t5\./],
    [{ model_type: 'deit', patch_size: 16 }, /Nearest to it here is vit\./],
    [{ model_type: 'qwen2_moe' }, /Nearest to it here is qwen2 or qwen3\./],
    [{ hidden_size: '64' }, /hidden_size/],
    [{ num_key_value_heads: 3 }, /num_key_value_heads must divide the 4 attention heads, not 3/],
    [{ hidden_act: 'swiglu' }, /hidden_act "swiglu"/],
    [{ rope_scaling: { rope_type: 'dynamic', factor: 2 } }, /dynamic/],
    [{ head_dim: 15 }, /head_dim must be even.* not 15/],
    [{ attention_bias: 'no' }, /attention_bias must be true or false, not "no"/],
    [{ rope_parameters: { rope_type: 'linear' } }, /rope_parameters\.factor must be a number above 0/],
    [{ model_type: 'qwen2', layer_types: Array(2).fill('sliding_attention') }, /layer_types.*use_sliding_window/],
    [
      { model_type: 'qwen2', num_key_value_heads: null, use_sliding_window: true, layer_types: [] },
      /layer_types must name/,
    ],
    [{ model_type: 'qwen2', num_key_value_heads: undefined }, /must divide the 4.*32, which its absence means/],
  ])('is refused by the name of the field: %o', (changed, message) => {
    expect(() => describeModel({ ...small, ...changed })).toThrow(message);
  });
});

describe('a GGUF file', () => {
  it('has its rows of q and k put back into the order of Transformers, but for Qwen', () => {
    const description = describeModel({ ...small, head_dim: 8 });
    const order = llama.gguf?.tensor('blk.1.attn_q.weight', description)?.rowOrder;
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8].map((row) => order?.(row))).toEqual([0, 2, 4, 6, 1, 3, 5, 7, 8]);
    expect(llama.gguf?.tensor('blk.0.attn_v.weight', description)).toMatchObject({
      name: 'model.layers.0.self_attn.v_proj.weight',
    });
    const qwen = describeModel({ ...small, model_type: 'qwen2' });
    expect(llama.gguf?.tensor('blk.0.attn_q.weight', qwen)?.rowOrder).toBeUndefined();
    expect(llama.gguf?.tensor('rope_freqs.weight', description)).toBeUndefined();
  });

  it('is read a few rows at a time as it is read whole', async () => {
    const checkpoint = await openCheckpoint(await openPath(`${models}llama-gguf.gguf`), 'model');
    const name = 'model.layers.0.self_attn.q_proj.weight';
    const tensor = checkpoint.tensors.get(name);
    if (!tensor || tensor.packed) throw new Error('the fixture has no q_proj');
    const [rows = 0] = tensor.shape;
    const whole = await readRows(tensor, 0, rows);
    const half = Math.floor(rows / 2);
    const parts = [await readRows(tensor, 0, half), await readRows(tensor, half, rows - half)];
    expect(Buffer.concat(parts).equals(Buffer.from(whole))).toBe(true);
    expect(await readDecoded(checkpoint, name)).toHaveLength(rows * (tensor.shape[1] ?? 0));
  });

  it('is refused by its architecture', () => {
    const refused = (architecture: string) => expect(() => familyOfGguf(architecture));
    refused('mamba').toThrow(/"mamba", which is not supported\. Graft reads llama, qwen2/);
    refused('starcoder2').toThrow(/not supported\. Graft reads/);
    refused('qwen2moe').toThrow(/Nearest to it here is qwen2 or qwen3\./);
    refused('bert').toThrow(/"bert" is read from its Hugging Face folder, not from GGUF/);
  });
});

describe('a checkpoint', () => {
  it('is refused by the tensor that its config asks for and that is not there, or has another shape', async () => {
    const files = await openPath(`${models}llama`);
    const config = JSON.parse(readFileSync(`${models}llama/config.json`, 'utf8')) as Record<string, unknown>;
    const withConfig = async (changed: object) => {
      const bytes = new TextEncoder().encode(JSON.stringify({ ...config, ...changed }));
      const source = {
        name: 'config.json',
        size: bytes.length,
        read: (from: number, to: number) => Promise.resolve(bytes.slice(from, to)),
      };
      return openCheckpoint(new Map(files).set('config.json', source), 'model');
    };
    await expect(withConfig({ num_hidden_layers: 3 })).rejects.toThrow(/lacks the tensor model\.layers\.2/);
    await expect(withConfig({ vocab_size: 299 })).rejects.toThrow(/\[300, 36\].*\[299, 36\]/);
    await expect(withConfig({})).resolves.toMatchObject({ name: 'model' });
  });

  it('needs no head of its own where it is tied', () => {
    const tied = neededShapes(describeModel({ ...small, tie_word_embeddings: true }));
    const untied = neededShapes(describeModel(small));
    expect([...untied.keys()].filter((name) => !tied.has(name))).toEqual(['lm_head.weight']);
  });

  it('takes on the GPU what its tensors take, vectors as f32', () => {
    const description = describeModel(small);
    const catalog = new Map(
      [...neededShapes(description)].map(([name, shape]) => [name, { shape, format: 'f16' as const }]),
    );
    const numbers = [...neededShapes(description).values()];
    const expected = numbers.reduce(
      (sum, shape) => sum + (shape.length === 1 ? 4 : 2) * shape.reduce((a, b) => a * b, 1),
      0,
    );
    expect(weightBytes({ catalog, description }, 128)).toBe(expected + 128 * 16 * 4);
  });
});

describe('shards', () => {
  it('cover the rows of a matrix; anything else lies in one', () => {
    const graph = new Graph();
    const matrix = shardsOf(graph.weight('w', [1000, 64], 'f16'), 32 * 1024);
    expect(matrix.length).toBeGreaterThan(1);
    expect(matrix.reduce((end, { rowStart, rowCount }) => (rowStart === end ? end + rowCount : NaN), 0)).toBe(1000);
    expect(shardsOf(graph.state('s', [1000, 64]), 32 * 1024)).toEqual([{ rowStart: 0, rowCount: 1000 }]);
  });
});
