import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openPath } from '../formats/nodeFiles.ts';
import { readFloatTensor } from '../formats/floatTensors.ts';
import { readSafetensors } from '../formats/safetensors.ts';
import { openCheckpoint, readDecoded, readRows } from './checkpoint.ts';
import { gpt2 } from './gpt2.ts';
import { readGpt2Config } from './gpt2Config.ts';
import { describeModel } from './registry.ts';

const models = fileURLToPath(new URL('../../tests/fixtures/parity/models/', import.meta.url));
const small = { model_type: 'gpt2', n_embd: 24, n_layer: 2, n_head: 3, n_positions: 32, vocab_size: 50 };

describe('config.json of a GPT-2', () => {
  it('is filled with the defaults of GPT2Config, and null stands for them', () => {
    expect(readGpt2Config({ model_type: 'gpt2' })).toMatchObject({
      vocabSize: 50257,
      hiddenSize: 768,
      innerSize: 3072,
      numHiddenLayers: 12,
      headDim: 64,
      maxPositionEmbeddings: 1024,
      activation: 'gelu_tanh',
      tieWordEmbeddings: true,
    });
    expect(readGpt2Config({ ...small, n_inner: null }).innerSize).toBe(96);
  });

  it('may spell its fields as other families do', () => {
    const { n_embd: hidden_size, n_layer: num_hidden_layers, n_head: num_attention_heads, ...rest } = small;
    const other = readGpt2Config({ ...rest, hidden_size, num_hidden_layers, num_attention_heads });
    expect(other).toMatchObject({ hiddenSize: 24, numHiddenLayers: 2, headDim: 8 });
  });

  it('scales the scores of each layer as it says', () => {
    const scales = (config: object) => [0, 1, 2].map(readGpt2Config({ ...small, ...config }).attentionScale);
    expect(scales({})).toEqual([1, 1, 1].map((x) => x / Math.sqrt(8)));
    expect(scales({ scale_attn_weights: false })).toEqual([1, 1, 1]);
    expect(scales({ scale_attn_by_inverse_layer_idx: true, scale_attn_weights: false })).toEqual([1, 1 / 2, 1 / 3]);
  });

  it.each([
    [{ n_embd: 25 }, /25 cannot be shared among 3 attention heads/],
    [{ n_head: 0 }, /n_head must be a whole number above 0, not 0/],
    [{ n_layer: 5000 }, /n_layer must be at most 1024/],
    [{ activation_function: 'mish' }, /activation_function "mish".*gelu_new/],
    [{ add_cross_attention: true }, /add_cross_attention true/],
    [{ layer_norm_epsilon: 'small' }, /layer_norm_epsilon/],
    [{ scale_attn_weights: 1 }, /scale_attn_weights must be true or false/],
  ])('is refused by the name of the field: %o', (changed, message) => {
    expect(() => describeModel({ ...small, ...changed })).toThrow(message);
  });
});

describe('the tensors of a GPT-2', () => {
  it('are found with and without the name of the body in front', () => {
    const description = describeModel(small);
    const named = (name: string) => gpt2.tensorFromFolder?.(name, description);
    expect(named('h.0.attn.c_attn.weight')).toBe('transformer.h.0.attn.c_attn.weight');
    expect(named('transformer.wte.weight')).toBe('transformer.wte.weight');
    expect(named('lm_head.weight')).toBe('lm_head.weight');
  });

  it('are presented as [out, in] where the file holds a Conv1D as [in, out], whole and by rows', async () => {
    for (const [folder, prefix] of [
      ['gpt2', 'transformer.'],
      ['gpt2-bare', ''],
    ] as const) {
      const files = await openPath(`${models}${folder}`);
      const checkpoint = await openCheckpoint(files, 'model');
      const name = 'h.1.mlp.c_fc.weight';
      const tensor = checkpoint.tensors.get(`transformer.${name}`);
      const source = files.get('model.safetensors');
      if (!tensor || tensor.packed || !source) throw new Error('the fixture has no c_fc');
      const stored = (await readSafetensors(source)).tensors.get(`${prefix}${name}`);
      if (!stored) throw new Error('the file has no c_fc');
      const [inFeatures = 0, outFeatures = 0] = stored.shape;
      expect(tensor.shape).toEqual([outFeatures, inFeatures]);
      const { data } = await readFloatTensor(stored);
      const ours = await readDecoded(checkpoint, `transformer.${name}`);
      expect(ours.every((x, i) => x === data[(i % inFeatures) * outFeatures + Math.floor(i / inFeatures)])).toBe(true);
      const parts = [await readRows(tensor, 0, 7), await readRows(tensor, 7, outFeatures - 7)];
      expect(Buffer.concat(parts).equals(Buffer.from(await readRows(tensor, 0, outFeatures)))).toBe(true);
    }
  });

  it('are named after those of a GGUF file, which may hold the head apart', async () => {
    expect(gpt2.gguf?.tensor('blk.3.attn_qkv.bias', describeModel(small))).toMatchObject({
      name: 'transformer.h.3.attn.c_attn.bias',
    });
    expect(gpt2.gguf?.tensor('blk.3.attn_rot.weight', describeModel(small))).toBeUndefined();
    const { description } = await openCheckpoint(await openPath(`${models}gpt2-gguf.gguf`), 'model');
    expect(description).toMatchObject({ tieWordEmbeddings: true, maxPositionEmbeddings: 64, headDim: 16 });
  });

  it('are refused where the config asks for others', async () => {
    const files = new Map(await openPath(`${models}gpt2`));
    const withConfig = (changed: object) => {
      const bytes = new TextEncoder().encode(JSON.stringify({ model_type: 'gpt2', vocab_size: 300, ...changed }));
      const read = (from: number, to: number) => Promise.resolve(bytes.slice(from, to));
      return openCheckpoint(files.set('config.json', { name: 'config.json', size: bytes.length, read }), 'model');
    };
    const right = { n_embd: 45, n_head: 5, n_layer: 2, n_positions: 64 };
    await expect(withConfig({ ...right, n_layer: 3 })).rejects.toThrow(/lacks the tensor transformer\.h\.2\.ln_1/);
    await expect(withConfig({ ...right, n_positions: 63 })).rejects.toThrow(/wpe\.weight has the shape \[64, 45\]/);
    await expect(withConfig({ ...right, n_inner: 90 })).rejects.toThrow(/c_fc\.weight has the shape \[180, 45\]/);
    await expect(withConfig(right)).resolves.toMatchObject({ kind: 'folder' });
  });
});

describe('the heads of a GPT-2', () => {
  it('are those of Transformers for each task', () => {
    const head = (type: 'CAUSAL_LM' | 'SEQ_CLS' | 'TOKEN_CLS') => {
      const { headPath, modules, architecture, tieWordEmbeddings } = describeModel(small, { type, numLabels: 3 });
      return { architecture, tieWordEmbeddings, head: modules.find(({ path }) => path === headPath) };
    };
    expect(head('CAUSAL_LM')).toMatchObject({ architecture: 'GPT2LMHeadModel', tieWordEmbeddings: true });
    expect(head('SEQ_CLS')).toMatchObject({
      architecture: 'GPT2ForSequenceClassification',
      tieWordEmbeddings: false,
      head: { path: 'score', hasBias: false, outFeatures: 3 },
    });
    expect(head('TOKEN_CLS')).toMatchObject({ head: { path: 'classifier', hasBias: true, outFeatures: 3 } });
  });
});
