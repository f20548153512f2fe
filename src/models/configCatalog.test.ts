import { describe, expect, it } from 'vitest';
import { UserError } from '../formats/errors.ts';
import { catalogFromConfig } from './configCatalog.ts';
import { describeModel } from './registry.ts';

const small = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  vocab_size: 100,
  dtype: 'float16',
};

/** The format that the catalog gives a weight of a model with this quantization_config. */
function formatOf(quantization_config: Readonly<Record<string, unknown>> | undefined, module: string) {
  const config = { ...small, quantization_config };
  return catalogFromConfig(config, describeModel(config)).get(`${module}.weight`)?.format;
}

describe('the formats that weights will have', () => {
  const linear = 'model.layers.0.self_attn.q_proj';
  const wide = 'model.layers.0.mlp.down_proj';

  it.each([
    [undefined, 'f16'],
    [{ quant_method: 'bitsandbytes', load_in_4bit: true, bnb_4bit_quant_type: 'nf4' }, 'nf4'],
    [{ load_in_4bit: true }, 'fp4'],
    [{ load_in_8bit: true }, 'int8'],
    [{ quant_method: 'gptq', bits: 3, group_size: 32, desc_act: true }, 'int3_x32'],
    [{ quant_method: 'gptq', bits: 8, group_size: 16, desc_act: false }, 'int8_x16'],
    [{ quant_method: 'gptq', bits: 4, group_size: -1, desc_act: true }, 'int4_g64'],
    [{ quant_method: 'gptq', bits: 4, group_size: 32, dynamic: { '.*q_proj': { bits: 2 } } }, 'int2_g32'],
    [{ quant_method: 'awq', bits: 4, group_size: 32 }, 'int4_g32'],
    [{ quant_method: 'awq', w_bit: 4, q_group_size: 16 }, 'int4_x16'],
    [{ quant_method: 'awq', w_bit: 4, q_group_size: 64 }, 'int4_g64'],
  ])('are those that the files would have: %o', (config, format) => {
    expect(formatOf(config, linear)).toBe(format);
    expect(formatOf(config, 'lm_head')).toBe('f16');
  });

  it('go by the columns of each weight', () => {
    expect(formatOf({ quant_method: 'gptq', bits: 4, group_size: -1 }, wide)).toBe('int4_g96');
  });

  it('are refused by the name of a setting that no weights could be read with', () => {
    const refused = (config: Readonly<Record<string, unknown>>) => () => formatOf(config, linear);
    expect(refused({ quant_method: 'gptq', bits: 5, group_size: 32 })).toThrow(UserError);
    expect(refused({ quant_method: 'gptq', bits: 5, group_size: 32 })).toThrow(/quantization_config\.bits is 5/);
    expect(refused({ quant_method: 'awq', w_bit: 4 })).toThrow(/has no group_size/);
  });
});
