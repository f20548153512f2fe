import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readFloatTensor } from '../formats/floatTensors.ts';
import { readGguf } from '../formats/gguf.ts';
import { openPath } from '../formats/nodeFiles.ts';
import { openCheckpoint, readDecoded } from './checkpoint.ts';
import { gemma } from './gemma.ts';
import { readGemmaConfig } from './gemmaConfig.ts';
import { describeModel, familyOfGguf } from './registry.ts';

const small = { num_hidden_layers: 7, num_attention_heads: 4, num_key_value_heads: 2, hidden_size: 32, vocab_size: 50 };
const first = { ...small, model_type: 'gemma' };
const second = { ...small, model_type: 'gemma2' };
const third = { ...small, model_type: 'gemma3_text' };

describe('config.json of a Gemma', () => {
  it('is filled with the defaults of its own class', () => {
    expect(readGemmaConfig(first)).toMatchObject({
      headDim: 256,
      intermediateSize: 24576,
      hiddenAct: 'gelu_tanh',
      attentionScale: 1 / 16,
      tieWordEmbeddings: true,
      layerTypes: Array(7).fill('full_attention'),
    });
    expect(readGemmaConfig(third)).toMatchObject({ intermediateSize: 9216, slidingWindow: 4096 });
    expect(readGemmaConfig({ ...third, query_pre_attn_scalar: 4 }).attentionScale).toBe(0.5);
  });

  it('means the tanh form where the first releases say gelu', () => {
    expect(readGemmaConfig({ ...first, hidden_act: 'gelu' }).hiddenAct).toBe('gelu_tanh');
    expect(readGemmaConfig({ ...third, hidden_activation: 'gelu' }).hiddenAct).toBe('gelu');
  });

  it('lets every sixth layer of a Gemma 3 see everything, or those that it lists', () => {
    const full = (config: object) =>
      readGemmaConfig({ ...third, ...config }).layerTypes.flatMap((type, i) => (type === 'full_attention' ? [i] : []));
    expect(full({})).toEqual([5]);
    expect(full({ sliding_window_pattern: 3 })).toEqual([2, 5]);
    const listed = Array.from({ length: 7 }, (_, i) => (i < 2 ? 'full_attention' : 'sliding_attention'));
    expect(full({ layer_types: listed })).toEqual([0, 1]);
  });

  it('caps the scores and logits of a Gemma 2 where it is not told otherwise, and those of no other', () => {
    const caps = (config: object) => {
      const { attentionCap, logitCap } = readGemmaConfig({ ...second, ...config });
      return [attentionCap, logitCap];
    };
    expect(caps({})).toEqual([50, 30]);
    expect(caps({ attn_logit_softcapping: null, final_logit_softcapping: null })).toEqual([0, undefined]);
    expect(caps(third)).toEqual([0, undefined]);
    expect(caps({ ...third, final_logit_softcapping: 20 })).toEqual([0, 20]);
    expect(describeModel(second).logitCap).toBe(30);
    expect(describeModel(second, { type: 'SEQ_CLS' }).logitCap).toBeUndefined();
    expect(readGemmaConfig(second).layerTypes.slice(0, 3)).toEqual([
      'sliding_attention',
      'full_attention',
      'sliding_attention',
    ]);
  });

  it('gives both types of layers their angles, in the spelling of Transformers 4 and of 5', () => {
    const four = { rope_theta: 5e5, rope_local_base_freq: 2e4, rope_scaling: { rope_type: 'linear', factor: 8 } };
    const rope_parameters = {
      full_attention: { rope_type: 'linear', rope_theta: 5e5, factor: 8 },
      sliding_attention: { rope_type: 'default', rope_theta: 2e4 },
    };
    const { ropes } = readGemmaConfig({ ...third, rope_parameters });
    expect(ropes.full_attention).toEqual({ theta: 5e5, scaling: { type: 'linear', factor: 8 } });
    expect(readGemmaConfig({ ...third, ...four }).ropes).toEqual(ropes);
    const both = { rope_theta: 7e4, rope_parameters, rope_scaling: { factor: 4 } };
    expect(readGemmaConfig({ ...third, ...both }).ropes).toEqual({
      ...ropes,
      full_attention: { theta: 5e5, scaling: { type: 'linear', factor: 4 } },
    });
    const oldest = { rope_scaling: { type: 'linear', factor: 8 } };
    expect(readGemmaConfig({ ...third, ...oldest }).ropes).toEqual(readGemmaConfig(third).ropes);
    expect(readGemmaConfig(third).ropes).toMatchObject({
      full_attention: { theta: 1e6 },
      sliding_attention: { theta: 1e4 },
    });
  });

  it.each([
    [{ ...third, attn_logit_softcapping: 50 }, /attn_logit_softcapping 50/],
    [{ ...third, use_bidirectional_attention: true }, /use_bidirectional_attention/],
    [{ ...third, layer_types: ['full_attention'] }, /layer_types must name/],
    [{ ...first, num_key_value_heads: 3 }, /num_key_value_heads must divide the 4/],
    [{ ...first, head_dim: 15 }, /head_dim must be even/],
    [{ ...second, attn_logit_softcapping: 0 }, /attn_logit_softcapping must be a number above 0/],
    [
      { ...first, model_type: 'gemma3n' },
      /"gemma3n" is not supported\. Nearest to it here is gemma or gemma2 or gemma3_text\./,
    ],
  ])('is refused by the name of the field: %o', (config, message) => {
    expect(() => describeModel(config)).toThrow(message);
  });
});

describe('the heads of a Gemma', () => {
  it('are those of Transformers', () => {
    const classes = (config: object) => {
      const { tasks } = describeModel(config);
      return tasks.map((type) => describeModel(config, { type, numLabels: 3 }).architecture);
    };
    expect(classes(first)).toEqual([
      'GemmaForCausalLM',
      'GemmaForSequenceClassification',
      'GemmaForTokenClassification',
    ]);
    expect(classes(second)).toEqual([
      'Gemma2ForCausalLM',
      'Gemma2ForSequenceClassification',
      'Gemma2ForTokenClassification',
    ]);
    expect(classes(third)).toEqual(['Gemma3ForCausalLM', 'Gemma3TextForSequenceClassification']);
    expect(() => describeModel(third, { type: 'TOKEN_CLS' })).toThrow(
      /no head for TOKEN_CLS here; it has for CAUSAL_LM, SEQ_CLS/,
    );
  });
});

const models = fileURLToPath(new URL('../../tests/fixtures/parity/models/', import.meta.url));

describe('a GGUF file of a Gemma', () => {
  it('names the norms of each as it has them, and has 1 in them', () => {
    const names = (config: object, tensors: readonly string[]) => {
      const description = describeModel(config);
      return tensors.map((name) =>
        gemma.gguf?.tensor(`blk.0.${name}.weight`, description)?.name.replace(/^.*layers\.0\./, ''),
      );
    };
    expect(names(first, ['attn_norm', 'ffn_norm', 'post_ffw_norm'])).toEqual([
      'input_layernorm.weight',
      'post_attention_layernorm.weight',
      undefined,
    ]);
    expect(names(third, ['post_attention_norm', 'ffn_norm', 'post_ffw_norm', 'attn_k_norm'])).toEqual([
      'post_attention_layernorm.weight',
      'pre_feedforward_layernorm.weight',
      'post_feedforward_layernorm.weight',
      'self_attn.k_norm.weight',
    ]);
    expect(gemma.gguf?.tensor('output_norm.weight', describeModel(first))).toEqual({
      name: 'model.norm.weight',
      surplus: 1,
    });
  });

  it('is read without the 1', async () => {
    const file = await openPath(`${models}gemma-gguf.gguf`);
    const [source] = file.values();
    const stored = source && (await readGguf(source)).tensors.get('blk.1.ffn_norm.weight');
    if (!stored) throw new Error('the fixture has no ffn_norm');
    const checkpoint = await openCheckpoint(file, 'model');
    const ours = await readDecoded(checkpoint, 'model.layers.1.post_attention_layernorm.weight');
    expect([...ours]).toEqual([...(await readFloatTensor(stored)).data].map((x) => Math.fround(x - 1)));
  });

  it('leaves out what all releases share', async () => {
    const opened = await openCheckpoint(await openPath(`${models}gemma3-gguf.gguf`), 'model');
    const config = readGemmaConfig(opened.config);
    expect(config).toMatchObject({ attentionScale: 1 / 16, slidingWindow: 9, tieWordEmbeddings: true, headDim: 24 });
    expect(config.layerTypes.indexOf('full_attention')).toBe(5);
    expect(config.ropes).toEqual({
      full_attention: { theta: 1e6, scaling: { type: 'linear', factor: 8 } },
      sliding_attention: { theta: 1e4, scaling: { type: 'default' } },
    });
  });

  it('of another generation is refused by the nearest that are read', () => {
    expect(() => familyOfGguf('gemma3n')).toThrow(
      /"gemma3n", which is not supported\. Nearest to it here is gemma or gemma2 or gemma3\./,
    );
  });
});
