import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../../tests/peft/gradients.ts';
import { sizeOf } from '../../graph/tensor.ts';
import { describeModel } from '../../models/registry.ts';
import { initialValues } from '../initialize.ts';
import { methodOfConfig } from '../registry.ts';
import { readFields } from '../schema.ts';

const description = describeModel(tinyLlama);
const attach = (given: Readonly<Record<string, unknown>>) => attachTo(description, given);

describe('bottleneck adapters', () => {
  it.each([
    { peft_type: 'HOULSBY', reduction_factor: 3, dropout: 0.3, scaling: 2 },
    {
      peft_type: 'PFEIFFER',
      reduction_factor: 2,
      non_linearity: 'gelu',
      scaling: 'learned',
      ln_before: true,
      ln_after: true,
    },
    {
      peft_type: 'PFEIFFER',
      reduction_factor: 4,
      non_linearity: 'tanh',
      residual_before_ln: false,
      adapter_residual_before_ln: true,
      ln_after: true,
    },
    {
      peft_type: 'PARALLEL',
      reduction_factor: 2,
      mh_adapter: true,
      non_linearity: 'sigmoid',
      scaling: 'channel',
      dropout: 0.2,
      original_ln_after: false,
    },
  ])('have the gradient that differences give: %o', async (given) => {
    await checkMethodGradients(given);
  });

  // L · n · (2 d b + b + d), b = d // 16
  it.each([
    ['SmolLM2-135M', { hidden_size: 576, num_hidden_layers: 30, num_attention_heads: 9 }, 1_262_520],
    ['Qwen2.5-0.5B', { hidden_size: 896, num_hidden_layers: 24, num_attention_heads: 14 }, 2_431_296],
    ['Qwen2.5-7B', { hidden_size: 3584, num_hidden_layers: 28, num_attention_heads: 28 }, 45_064_320],
    ['Llama-2-7B', { hidden_size: 4096, num_hidden_layers: 32, num_attention_heads: 32 }, 67_248_128],
  ])('have as many numbers as the formula gives: %s', (_, size, expected) => {
    const model = describeModel({ ...tinyLlama, num_key_value_heads: 1, ...size });
    const count = (peftType: string) =>
      attachTo(model, { peft_type: peftType, reduction_factor: 16 }).parameters.reduce(
        (sum, { shape }) => sum + sizeOf(shape),
        0,
      );
    expect(count('PFEIFFER')).toBe(expected);
    expect(count('HOULSBY')).toBe(2 * expected);
  });

  it('stand at any positions and layers, each with its own width', () => {
    const model = describeModel({ ...tinyLlama, num_hidden_layers: 3 });
    const given = { peft_type: 'PFEIFFER', mh_adapter: true, output_adapter: false, leave_out: [1] };
    const { parameters } = attachTo(model, { ...given, reduction_factor: { '0': 2, default: 16 } });
    const shapes = parameters
      .filter(({ name }) => name.endsWith('adapter_up.weight'))
      .map(({ name, shape }) => [name, shape]);
    expect(shapes).toEqual([
      ['model.layers.0.attention_adapters.adapters.default.adapter_up.weight', [8, 4]],
      ['model.layers.2.attention_adapters.adapters.default.adapter_up.weight', [8, 1]],
    ]);
  });

  it('start as AdapterHub starts them', async () => {
    const numbers = async (given: Readonly<Record<string, unknown>>) => {
      const adapter = attach({ reduction_factor: 1, ...given });
      const noRead = () => Promise.reject(new Error('nothing is read from the checkpoint'));
      const values = await initialValues(adapter, new Map(), {
        seed: 3,
        base: noRead,
        baseRows: noRead,
        tokenize: () => [],
      });
      const of = (ending: string) => [...values].flatMap(([name, data]) => (name.endsWith(ending) ? [...data] : []));
      return { down: of('adapter_down.0.weight'), up: of('adapter_up.weight'), biases: of('.bias') };
    };
    const exact = await numbers({ peft_type: 'PARALLEL' });
    expect(exact.up.every((x) => x === 0)).toBe(true);
    expect(Math.max(...exact.down.map(Math.abs))).toBeLessThan(1 / Math.sqrt(8));
    const cut = await numbers({ peft_type: 'PFEIFFER', init_weights: 'houlsby' });
    for (const values of [cut.down, cut.up]) {
      expect(values.every((x) => Math.abs(x) <= 0.02)).toBe(true);
      expect(new Set(values).size).toBe(64);
    }
    expect([...exact.biases, ...cut.biases].every((x) => x === 0)).toBe(true);
  });

  it('are read from the config that they write, whatever the settings', () => {
    const given = {
      peft_type: 'HOULSBY',
      scaling: 'learned',
      leave_out: 0,
      mh_adapter: true,
      output_adapter: false,
      adapter_name: 'pear',
      weights_dtype: 'int8',
    };
    const model = describeModel({ ...tinyLlama, num_hidden_layers: 2 });
    const adapter = attachTo(model, given);
    expect(adapter.config).toMatchObject({
      name: 'pear',
      model_type: 'llama',
      model_class: 'LlamaForCausalLM',
      hidden_size: 8,
    });
    const method = methodOfConfig(adapter.config);
    expect(method.peftType).toBe('HOULSBY');
    const again = method.attach(readFields(method.fields, method.readConfig?.(adapter.config) ?? {}), {
      description: model,
      baseModelName: null,
      taskType: 'CAUSAL_LM',
    });
    expect(again.config).toEqual(adapter.config);
    expect(again.parameters.map(({ name }) => name)).toEqual(adapter.parameters.map(({ name }) => name));
  });

  it('are told apart by what their config says, and taken as what a run file calls them', () => {
    const config = (peftType: string, given = {}) => attach({ peft_type: peftType, ...given }).config;
    for (const name of ['HOULSBY', 'PFEIFFER', 'PARALLEL']) expect(methodOfConfig(config(name)).peftType).toBe(name);
    const afterAttention = config('PFEIFFER', { mh_adapter: true, output_adapter: false });
    expect(methodOfConfig(afterAttention).peftType).toBe('PFEIFFER');
    expect(methodOfConfig(afterAttention, 'houlsby').peftType).toBe('HOULSBY');
    expect(() => methodOfConfig({ config: { architecture: 'prompt_tuning' } })).toThrow('prompt_tuning');
  });

  it.each([
    [{ mh_adapter: false, output_adapter: false }, 'No place is left'],
    [{ leave_out: [0] }, 'No place is left'],
    [{ reduction_factor: 0 }, 'reduction_factor: 0'],
    [{ reduction_factor: { '1': 4 } }, 'reduction_factor: layer 0 has none'],
    [{ non_linearity: 'snake' }, 'non_linearity: "snake"'],
    [{ scaling: 'much' }, 'scaling: "much"'],
    [{ original_ln_before: false, residual_before_ln: 'post_add' }, 'needs original_ln_before'],
    [{ adapter_name: 'a.b' }, 'adapter_name: "a.b"'],
  ])('refuse %o', (fields, message) => {
    expect(() => attach({ peft_type: 'PFEIFFER', ...fields })).toThrow(message);
  });

  it('refuse what they cannot compute in the file of another', () => {
    const { config } = attach({ peft_type: 'PFEIFFER' });
    const gated = { ...config, config: { ...(config['config'] as object), use_gating: true } };
    expect(() => methodOfConfig(gated).readConfig?.(gated)).toThrow('use_gating: true is not supported');
  });
});
