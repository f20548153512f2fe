import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../tests/peft/gradients.ts';
import { describeModel } from '../models/registry.ts';

const lora = { peft_type: 'LORA', r: 2 };

describe("LoRA's gradients agree with finite differences", () => {
  it.each([
    ['on linears and the embedding', { target_modules: ['q_proj', 'down_proj', 'embed_tokens'] }],
    ['with a bias on B', { target_modules: ['v_proj'], lora_bias: true }],
    ['as DoRA', { target_modules: ['q_proj', 'up_proj'], use_dora: true, lora_alpha: 3 }],
    ['from directions taken out of the weight', { target_modules: ['k_proj'], init_lora_weights: 'pissa' }],
    ['as DoRA from there', { target_modules: ['k_proj'], init_lora_weights: 'olora', use_dora: true }],
  ])('%s', async (_, settings) => {
    await checkMethodGradients({ ...lora, ...settings });
    await checkMethodGradients({ ...lora, ...settings, lora_dropout: 0.3 });
  });

  it('as DoRA beside biases that are trained', async () => {
    const qwen = { ...tinyLlama, model_type: 'qwen2' };
    const settings = { ...lora, target_modules: ['q_proj'], use_dora: true, bias: 'all' };
    await checkMethodGradients(settings, qwen);
    await checkMethodGradients({ ...settings, lora_dropout: 0.3 }, qwen);
  });
});

describe('settings of LoRA that cannot work', () => {
  it.each([
    [{ use_dora: true, lora_bias: true }, /lora_bias: DoRA/],
    [{ init_lora_weights: 'pissa', lora_bias: true }, /lora_bias works with init_lora_weights true or false/],
    [{ lora_bias: true, target_modules: ['embed_tokens'] }, /lora_bias: an update of the embedding/],
    [{ r: 9, target_modules: ['q_proj'] }, /r: 9 is above.*Give 8 or less/],
    [{ r: 5, target_modules: ['v_proj'], init_lora_weights: 'olora' }, /r: 5 is more directions.*Give 4 or less/],
    [{ r: 5, target_modules: ['v_proj'], init_lora_weights: 'pissa_niter_2' }, /Give 4 or less/],
    [{ init_lora_weights: 'pissa', lora_alpha: 0 }, /lora_alpha/],
    [{ r: 3, init_lora_weights: 'orthogonal' }, /r: 3 is odd.*Give 4/],
    [{ init_lora_weights: 'eva' }, /init_lora_weights: "eva"/],
    [{ dora_magnitude_freeze_steps: 3 }, /dora_magnitude_freeze_steps.*use_dora: true/],
  ])('are refused: %o', (settings, message) => {
    expect(() => attachTo(describeModel(tinyLlama), { ...lora, ...settings })).toThrow(message);
  });
});
