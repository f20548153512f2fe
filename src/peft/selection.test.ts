import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../tests/peft/gradients.ts';
import { modelSizes, type ModelSize } from '../../tests/peft/modelSizes.ts';
import { sizeOf } from '../graph/tensor.ts';
import { describeModel } from '../models/registry.ts';
import { unreadTensors } from '../models/unreadTensors.ts';
import { drawLayers } from './lisa.ts';
import { trainedParameters } from './parameters.ts';

const withBiases = { ...tinyLlama, model_type: 'qwen2' };

describe('gradients agree with finite differences', () => {
  it.each([
    { peft_type: 'LN_TUNING', target_modules: ['input_layernorm', 'norm'] },
    { peft_type: 'BEFT', target_modules: ['v_proj', 'up_proj'] },
    { peft_type: 'BITFIT' },
    { peft_type: 'TRAINABLE_TOKENS', token_indices: [1, 4, 7] },
  ])('$peft_type', (given) => checkMethodGradients(given, withBiases));

  it('FULL', () => checkMethodGradients({ peft_type: 'FULL' }, { ...withBiases, tie_word_embeddings: true }));
});

describe('trainable parameters', () => {
  const counted: readonly [ModelSize, number][] = [
    ['Qwen2.5-0.5B', 27_648],
    ['Qwen2.5-7B', 129_024],
    ['gpt2', 102_144],
    ['bloom-560m', 272_384],
    ['bert-base', 102_914],
    ['bert-large', 272_386],
    ['ViT-B/16', 102_922],
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

describe('LISA', () => {
  const description = describeModel({ ...tinyLlama, num_hidden_layers: 3 });
  const factorsAt = (given: object, step: number, seed = 1) =>
    new Map(
      attachTo(description, { peft_type: 'LISA', ...given }).parameters.map(({ name, rateFactor }) => [
        name,
        rateFactor?.(step, 1e-3, seed) ?? 1,
      ]),
    );

  it('trains as many layers as asked for until the next draw, and all that is in no layer', () => {
    const given = { lisa_activated_layers: 2, lisa_step_interval: 4 };
    const layersAt = (step: number) =>
      [0, 1, 2].filter((layer) => factorsAt(given, step).get(`model.layers.${layer}.mlp.up_proj.weight`) === 1);
    for (const step of [1, 5, 9]) {
      expect(layersAt(step)).toHaveLength(2);
      expect(layersAt(step + 3)).toEqual(layersAt(step));
    }
    expect(factorsAt(given, 1).get('lm_head.weight')).toBe(1);
    expect(factorsAt(given, 1).get('model.norm.weight')).toBe(1);
  });

  it('draws every layer equally often, by the seed', () => {
    const counts = [0, 0, 0, 0];
    for (let draw = 0; draw < 2000; draw++)
      for (const layer of drawLayers(9, draw, 2, 4)) counts[layer] = (counts[layer] ?? 0) + 1;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(100);
    expect(drawLayers(9, 5, 4, 64)).toEqual(drawLayers(9, 5, 4, 64));
    expect(drawLayers(9, 5, 4, 64)).not.toEqual(drawLayers(10, 5, 4, 64));
  });

  it('is refused more layers than there are', () => {
    expect(() => factorsAt({ lisa_activated_layers: 4 }, 1)).toThrow(/4 is more than the model's 3 layers/);
  });
});

describe('tensors that need not be loaded', () => {
  const unread = (given: Readonly<Record<string, unknown>>, config: object = {}) => {
    const description = describeModel({ ...tinyLlama, ...config });
    return [...unreadTensors(description, attachTo(description, given).hooks)];
  };

  it('are those that the adapter trains in their place', () => {
    expect(unread({ peft_type: 'LORA', modules_to_save: ['lm_head'] })).toEqual(['lm_head.weight']);
    expect(unread({ peft_type: 'FULL' })).toHaveLength(12);
    const tied = { tie_word_embeddings: true };
    expect(unread({ peft_type: 'FULL' }, tied)).toContain('model.embed_tokens.weight');
    expect(unread({ peft_type: 'LORA', modules_to_save: ['embed_tokens'] }, tied)).toEqual([]);
  });
});
