import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama, tinyT5 } from '../../../tests/peft/gradients.ts';
import { modelSizes, type ModelSize } from '../../../tests/peft/modelSizes.ts';
import { sizeOf } from '../../graph/tensor.ts';
import { describeModel } from '../../models/registry.ts';
import type { InitialContext } from '../method.ts';

describe('gradients agree with finite differences', () => {
  it.each([
    { peft_type: 'PROMPT_TUNING', num_virtual_tokens: 2 },
    { peft_type: 'P_TUNING', num_virtual_tokens: 2, encoder_hidden_size: 5 },
    {
      peft_type: 'P_TUNING',
      num_virtual_tokens: 3,
      encoder_reparameterization_type: 'LSTM',
      encoder_hidden_size: 3,
      encoder_dropout: 0.4,
    },
    { peft_type: 'PREFIX_TUNING', num_virtual_tokens: 2 },
    { peft_type: 'PREFIX_TUNING', num_virtual_tokens: 2, prefix_projection: true, encoder_hidden_size: 5 },
  ])('$peft_type %o', async (given) => {
    await checkMethodGradients(given);
  });

  it('PREFIX_TUNING over several layers, with grouped heads, a head size of its own and a sliding window', async () => {
    const config = { ...tinyLlama, model_type: 'mistral', num_hidden_layers: 2, head_dim: 6, sliding_window: 2 };
    await checkMethodGradients({ peft_type: 'PREFIX_TUNING', num_virtual_tokens: 2 }, config);
  });

  it.each([
    { peft_type: 'P_TUNING', num_virtual_tokens: 2, encoder_hidden_size: 5 },
    { peft_type: 'P_TUNING', num_virtual_tokens: 2, encoder_reparameterization_type: 'LSTM', encoder_hidden_size: 3 },
    { peft_type: 'PREFIX_TUNING', num_virtual_tokens: 2 },
  ])('of an encoder and a decoder: %o', async (given) => {
    await checkMethodGradients(given, { ...tinyT5, num_decoder_layers: 2 });
  });
});

describe('trainable parameters', () => {
  const counted: readonly [ModelSize, number, number, number, number][] = [
    ['SmolLM2-135M', 11_520, 176_192, 230_400, 6_012_416],
    ['Qwen2.5-0.5B', 17_920, 264_832, 122_880, 3_220_480],
    ['Qwen2.5-7B', 71_680, 1_009_408, 573_440, 14_981_632],
    ['Llama-2-7B', 81_920, 1_151_232, 5_242_880, 136_659_456],
    ['Llama-3-8B', 81_920, 1_151_232, 1_310_720, 34_165_248],
    ['gpt2', 15_360, 229_376, 368_640, 9_864_704],
    ['bloom-560m', 20_480, 300_288, 983_040, 25_760_256],
    ['bert-base', 16_898, 230_914, 370_178, 9_866_242],
    ['bert-large', 22_530, 302_338, 985_090, 25_762_306],
  ];

  it.each(counted)(
    'are as many as PEFT counts for 20 virtual tokens: %s',
    (name, prompt, pTuning, prefix, projected) => {
      const description = describeModel(modelSizes[name]);
      const count = (given: Readonly<Record<string, unknown>>) =>
        attachTo(description, given).parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
      expect(count({ peft_type: 'PROMPT_TUNING' })).toBe(prompt);
      expect(count({ peft_type: 'P_TUNING', encoder_hidden_size: 128 })).toBe(pTuning);
      expect(count({ peft_type: 'PREFIX_TUNING' })).toBe(prefix);
      expect(count({ peft_type: 'P_TUNING_V2' })).toBe(prefix);
      expect(count({ peft_type: 'PREFIX_TUNING', prefix_projection: true, encoder_hidden_size: 512 })).toBe(projected);
    },
  );
});

describe('the start of a prompt', () => {
  const description = describeModel(tinyLlama);
  const context = (ids: readonly number[]): InitialContext => ({
    seed: 3,
    base: () => Promise.reject(new Error('the whole table is not needed')),
    baseRows: (tensor, rows) =>
      Promise.resolve(Float32Array.from(rows, (row) => (tensor.includes('embed') ? row : -1))),
    parameter: () => Promise.reject(new Error('no other parameter is needed')),
    tokenize: () => ids,
  });
  const rowsOf = async (given: Readonly<Record<string, unknown>>, ids: readonly number[] = []) => {
    const [spec] = attachTo(description, { peft_type: 'PROMPT_TUNING', num_virtual_tokens: 5, ...given }).parameters;
    if (spec?.initial.kind !== 'computed') throw new Error('the start is not computed');
    return [...(await spec.initial.compute(context(ids)))];
  };

  it('is a text, cut or repeated to the number of virtual tokens', async () => {
    const text = { prompt_tuning_init: 'TEXT', prompt_tuning_init_text: 'graft the scion' };
    expect(await rowsOf(text, [4, 2, 7])).toEqual([4, 2, 7, 4, 2]);
    expect(await rowsOf(text, [1, 2, 3, 4, 5, 6, 7])).toEqual([1, 2, 3, 4, 5]);
    await expect(rowsOf(text, [])).rejects.toThrow('the text has no tokens');
    expect(() => attachTo(description, { peft_type: 'PROMPT_TUNING', prompt_tuning_init: 'TEXT' })).toThrow(
      'prompt_tuning_init_text',
    );
  });

  it('is a sample of the vocabulary that follows from the seed', async () => {
    const rows = await rowsOf({ prompt_tuning_init: 'SAMPLE_VOCAB' });
    expect(rows).toEqual(await rowsOf({ prompt_tuning_init: 'SAMPLE_VOCAB' }));
    expect(new Set(rows).size).toBeGreaterThan(1);
    for (const row of rows) expect(row >= 0 && row < tinyLlama.vocab_size).toBe(true);
  });
});

describe('the file of a prompt method', () => {
  const description = describeModel({ ...tinyLlama, num_hidden_layers: 2, head_dim: 6 });
  const attach = (peftType: string, given: object) => attachTo(description, { peft_type: peftType, ...given });

  it('says of a prefix how wide a layer’s keys are, as PEFT does for grouped heads and a head size of its own', () => {
    const { config, peftType } = attachTo(description, { peft_type: 'P_TUNING_V2', init_weights: 'zero' });
    expect(peftType).toBe('PREFIX_TUNING');
    expect(config).toMatchObject({
      peft_type: 'PREFIX_TUNING',
      token_dim: 6,
      num_attention_heads: 1,
      num_layers: 2,
      prefix_projection: false,
      encoder_hidden_size: 6,
      init_weights: 'zero',
    });
  });

  it('is enough for use, but to continue an encoder its state must lie beside', () => {
    const adapter = attachTo(description, { peft_type: 'P_TUNING', num_virtual_tokens: 2 });
    const tensors = new Map([['prompt_embeddings', { shape: [2, 8], data: new Float32Array(16) }]]);
    expect(adapter.forUse?.parameters.map(({ name, shape }) => [name, shape])).toEqual([['prompt_embeddings', [2, 8]]]);
    expect(() => adapter.fromContent?.({ config: {}, tensors })).toThrow(/no prompt_encoder.safetensors beside it/);
    const beside = new Map([['prompt_encoder.safetensors', tensors]]);
    expect(() => adapter.fromContent?.({ config: {}, tensors, beside })).toThrow(/missing mlp_head\.0\.weight/);
  });

  it('holds the prompt of an encoder and as much again, as PEFT has it, unless there is to be one', () => {
    const t5 = describeModel(tinyT5);
    const shapeOf = (given: Readonly<Record<string, unknown>>) => {
      const adapter = attachTo(t5, { num_virtual_tokens: 5, ...given }, 'SEQ_2_SEQ_LM');
      const spec = (adapter.forUse ?? adapter).parameters.find(({ name }) => name === 'prompt_embeddings');
      return [adapter.config['num_transformer_submodules'], spec?.shape];
    };
    expect(shapeOf({ peft_type: 'PROMPT_TUNING' })).toEqual([2, [10, 8]]);
    expect(shapeOf({ peft_type: 'P_TUNING' })).toEqual([2, [10, 8]]);
    expect(shapeOf({ peft_type: 'PROMPT_TUNING', num_transformer_submodules: 1 })).toEqual([1, [5, 8]]);
    expect(() => attach('PROMPT_TUNING', { num_transformer_submodules: 2 })).toThrow('num_transformer_submodules: 2');
  });

  it('says of a prefix for a decoder how many layers the encoder has, but as many as the decoder where it has more', () => {
    const attachPrefix = (config: object, given = {}) =>
      attachTo(describeModel({ ...tinyT5, ...config }), { peft_type: 'PREFIX_TUNING', ...given }, 'SEQ_2_SEQ_LM');
    const deep = { num_layers: 4, num_decoder_layers: 2 };
    expect(attachPrefix(deep).config).toMatchObject({ num_layers: 4, token_dim: 6, num_attention_heads: 2 });
    expect(attachPrefix({ num_decoder_layers: 3 }).config).toMatchObject({ num_layers: 3, token_dim: 6 });
    expect(() => attachPrefix({}, { num_transformer_submodules: 1 })).toThrow('two kinds of attention');
  });

  it('tells PEFT the heads of a DistilBERT, to which it has no prefix', () => {
    const sizes = { dim: 8, n_heads: 2, hidden_dim: 12, n_layers: 1, vocab_size: 10, max_position_embeddings: 16 };
    const description = describeModel({ model_type: 'distilbert', ...sizes });
    const attach = (peftType: string) =>
      attachTo(description, { peft_type: peftType, num_virtual_tokens: 2 }, 'SEQ_CLS');
    expect(attach('PROMPT_TUNING').config).toMatchObject({ token_dim: 8, num_attention_heads: 2, num_layers: 1 });
    expect(() => attach('PREFIX_TUNING')).toThrow(/no prefix for it\. PROMPT_TUNING and P_TUNING work/);
  });

  it('is refused where virtual tokens fill the positions of the model', () => {
    const small = describeModel({ ...tinyLlama, max_position_embeddings: 32 });
    expect(() => attachTo(small, { peft_type: 'PREFIX_TUNING', num_virtual_tokens: 32 })).toThrow(
      /num_virtual_tokens: 32 leave no room for a row in the 32 positions/,
    );
  });
});
