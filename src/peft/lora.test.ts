import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../tests/peft/gradients.ts';
import { checkMerge } from '../../tests/peft/merging.ts';
import { modelSizes, type ModelSize } from '../../tests/peft/modelSizes.ts';
import { sizeOf } from '../graph/tensor.ts';
import { describeModel } from '../models/registry.ts';
import { trainedParameters } from './parameters.ts';

const lora = { peft_type: 'LORA', r: 2 };

describe("LoRA's gradients agree with finite differences", () => {
  it.each([
    ['on linears and the embedding', { target_modules: ['q_proj', 'down_proj', 'embed_tokens'] }],
    ['with a bias on B', { target_modules: ['v_proj'], lora_bias: true }],
    ['as DoRA', { target_modules: ['q_proj', 'up_proj', 'embed_tokens'], use_dora: true, lora_alpha: 3 }],
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
    [{ init_lora_weights: 'corda' }, /init_lora_weights: "corda"/],
    [{ dora_magnitude_freeze_steps: 3 }, /dora_magnitude_freeze_steps.*use_dora: true/],
  ])('are refused: %o', (settings, message) => {
    expect(() => attachTo(describeModel(tinyLlama), { ...lora, ...settings })).toThrow(message);
  });

  it('are refused where they have no meaning for a Conv1D', () => {
    const gpt2 = { model_type: 'gpt2', n_embd: 8, n_head: 2, n_layer: 1, n_positions: 16, vocab_size: 10 };
    const settings = { ...lora, init_lora_weights: 'olora' };
    expect(() => attachTo(describeModel(gpt2), settings)).toThrow(/olora.*Conv1D.*Use pissa/);
  });
});

describe('a merged weight does what the adapter does', () => {
  it.each([
    {},
    { lora_bias: true, target_modules: ['q_proj', 'v_proj'] },
    { use_dora: true, lora_alpha: 5 },
    { init_lora_weights: 'pissa', use_rslora: true },
    { init_lora_weights: 'olora', use_dora: true },
    { peft_type: 'VERA', r: 5 },
    { peft_type: 'LORA_XS', r: 3 },
    { peft_type: 'EDORA', r: 3 },
  ])('%o', (settings) => checkMerge({ ...lora, target_modules: ['q_proj', 'k_proj', 'down_proj'], ...settings }));
});

/** DoRA r 8 on the default targets and r 16 on all linears, VeRA r 256, as PEFT 0.21.2 counts them; LoRA-XS and EDoRA r 16. */
const counted: readonly [ModelSize, number, number, number, number, number][] = [
  ['SmolLM2-135M', 483_840, 5_040_000, 38_400, 15_360, 38_400],
  ['Qwen2.5-0.5B', 565_248, 9_102_336, 36_864, 12_288, 36_864],
  ['Qwen2.5-7B', 2_637_824, 41_760_768, 129_024, 14_336, 129_024],
  ['Llama-2-7B', 4_456_448, 41_336_832, 278_528, 16_384, 278_528],
  ['Llama-3-8B', 3_571_712, 43_319_296, 180_224, 16_384, 180_224],
];

describe('trainable parameters', () => {
  it.each(counted)('are as many as PEFT counts: %s', (name, dora, allLinear, vera, xs, edora) => {
    const count = (settings: Readonly<Record<string, unknown>>) =>
      trainedParameters(attachTo(describeModel(modelSizes[name]), settings).parameters).reduce(
        (sum, { shape }) => sum + sizeOf(shape),
        0,
      );
    expect(count({ peft_type: 'LORA', use_dora: true })).toBe(dora);
    expect(count({ peft_type: 'LORA', use_dora: true, r: 16, target_modules: 'all-linear' })).toBe(allLinear);
    expect(count({ peft_type: 'VERA' })).toBe(vera);
    expect(count({ peft_type: 'LORA_XS', r: 16 })).toBe(xs);
    expect(count({ peft_type: 'EDORA', r: 16 })).toBe(edora);
  });
});
