import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../tests/peft/gradients.ts';
import { modelSizes, type ModelSize } from '../../tests/peft/modelSizes.ts';
import { sizeOf } from '../graph/tensor.ts';
import { describeModel } from '../models/registry.ts';
import { trainedParameters } from './parameters.ts';

const withBiases = { ...tinyLlama, model_type: 'qwen2' };

describe('gradients agree with finite differences', () => {
  it.each([
    { peft_type: 'LN_TUNING', target_modules: ['input_layernorm', 'norm'] },
    { peft_type: 'BEFT', target_modules: ['v_proj', 'up_proj'] },
    { peft_type: 'BITFIT' },
    { peft_type: 'TRAINABLE_TOKENS', token_indices: [1, 4, 7] },
  ])('$peft_type', (given) => checkMethodGradients(given, withBiases));
});

describe('trainable parameters', () => {
  const counted: readonly [ModelSize, number][] = [
    ['Qwen2.5-0.5B', 27_648],
    ['Qwen2.5-7B', 129_024],
  ];

  it.each(counted)('of BitFit are all biases: %s', (name, biases) => {
    const { parameters } = attachTo(describeModel(modelSizes[name]), { peft_type: 'BITFIT' });
    expect(trainedParameters(parameters).reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(biases);
  });
});

describe('BitFit', () => {
  it('is refused on a model without biases, with what comes nearest', () => {
    expect(() => attachTo(describeModel(tinyLlama), { peft_type: 'BITFIT' })).toThrow(
      /this llama model has none\. The nearest that works is BEFT/,
    );
  });

  it('is written as a LoRA that changes nothing but the biases', () => {
    const { config, parameters } = attachTo(describeModel(withBiases), { peft_type: 'BITFIT' });
    expect(config).toMatchObject({ peft_type: 'LORA', bias: 'all', target_modules: ['q_proj', 'v_proj'] });
    const updates = parameters.filter(({ name }) => name.includes('lora_'));
    expect(updates.map(({ role, initial }) => [role, initial])).toEqual(
      updates.map(() => ['frozen', { kind: 'constant', value: 0 }]),
    );
    expect(updates).toHaveLength(4);
  });
});

describe('targets', () => {
  it('are PEFT’s for the family, and asked for where it has none', () => {
    const targets = (config: Readonly<Record<string, unknown>>, peftType: string) =>
      attachTo(describeModel(config), { peft_type: peftType }).config['target_modules'];
    expect(targets(tinyLlama, 'LN_TUNING')).toEqual(['input_layernorm', 'post_attention_layernorm', 'norm']);
    expect(targets(withBiases, 'LN_TUNING')).toEqual(['post_attention_layernorm']);
    expect(targets(tinyLlama, 'BEFT')).toEqual(['v_proj']);
    const bare = { ...describeModel(tinyLlama), defaultTargets: {} };
    expect(() => attachTo(bare, { peft_type: 'BEFT' })).toThrow(
      /no usual targets on a llama model\. Name some of q_proj/,
    );
    expect(() => attachTo(bare, { peft_type: 'LN_TUNING', target_modules: ['q_proj'] })).toThrow(/\(linear\)/);
  });
});

describe('trainable tokens', () => {
  const attach = (given: Readonly<Record<string, unknown>>, config: object = tinyLlama) =>
    attachTo(describeModel({ ...config }), { peft_type: 'TRAINABLE_TOKENS', ...given });

  it('must be named, once each, and be tokens of the model', () => {
    expect(() => attach({})).toThrow(/token_indices: no token is named/);
    expect(() => attach({ token_indices: [3, 3] })).toThrow(/3 stands there twice/);
    expect(() => attach({ token_indices: [10] })).toThrow(/no token 10\. Ids go up to 9/);
  });

  it('serve a tied head too, under whose name PEFT writes them again', async () => {
    const adapter = attach({ token_indices: [2, 5] }, { ...tinyLlama, tie_word_embeddings: true });
    const [rows] = adapter.parameters;
    const values = new Map([[rows?.name ?? '', Float32Array.from({ length: 16 }, (_, i) => i)]]);
    const content = await adapter.toContent?.(values, () => Promise.reject(new Error('no tensor is needed')));
    expect([...(content?.tensors.keys() ?? [])].sort()).toEqual([
      'base_model.model.lm_head.trainable_tokens_delta',
      'base_model.model.model.embed_tokens.trainable_tokens_delta',
    ]);
    expect(adapter.ignoresKey('base_model.model.lm_head.trainable_tokens_delta')).toBe(true);
  });
});
