import { describe, expect, it } from 'vitest';
import { modelSizes, type ModelSize } from '../../tests/peft/modelSizes.ts';
import { catalogFromConfig } from '../models/configCatalog.ts';
import { describeModel } from '../models/registry.ts';
import { methodOf } from '../peft/registry.ts';
import { fitOf } from './methodFits.ts';

function fit(peftType: string, size: ModelSize) {
  return fitTo(peftType, modelSizes[size]);
}

function fitTo(peftType: string, config: Readonly<Record<string, unknown>>) {
  const description = describeModel(config);
  return fitOf(methodOf(peftType), { name: 'model', description, catalog: catalogFromConfig(config, description) });
}

const vit = {
  model_type: 'vit',
  architectures: ['ViTForImageClassification'],
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  image_size: 32,
  patch_size: 8,
  num_channels: 3,
};

describe('fitOf', () => {
  it('counts what is trained and what the file holds', () => {
    expect(fit('LORA', 'Qwen2.5-0.5B')).toEqual({
      peftType: 'LORA',
      trainableParameters: 540_672,
      adapterBytes: 4 * 540_672,
    });
  });

  it('counts the virtual tokens that come out of an encoder, not the encoder', () => {
    const { trainableParameters, adapterBytes } = fit('P_TUNING', 'Qwen2.5-0.5B');
    expect(adapterBytes).toBe(4 * 20 * 896);
    expect(trainableParameters).toBeGreaterThan(20 * 896);
  });

  it('says why a method has no place on a model', () => {
    expect(fit('BITFIT', 'SmolLM2-135M').reason).toContain('has none');
    expect(fit('LOHA', 'gpt2').reason).toContain('Conv1D');
    expect(fit('LOHA', 'gpt2').setting).toBeUndefined();
    expect(fitTo('PROMPT_TUNING', vit).reason).toContain('reads images');
  });

  it('tells a setting that is missing from a model that does not suit', () => {
    expect(fit('TRAINABLE_TOKENS', 'SmolLM2-135M')).toMatchObject({ setting: 'token_indices' });
  });
});
