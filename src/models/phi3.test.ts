import { describe, expect, it } from 'vitest';
import { readPhi3Config } from './phi3Config.ts';
import { describeModel } from './registry.ts';

const small = { model_type: 'phi3', hidden_size: 24, num_hidden_layers: 1, num_attention_heads: 4, vocab_size: 50 };

describe('config.json of a Phi-3', () => {
  it('is filled with the defaults of Phi3Config', () => {
    expect(readPhi3Config(small)).toMatchObject({
      numKeyValueHeads: 4,
      headDim: 6,
      slidingWindow: 0,
      rmsNormEps: 1e-5,
    });
    expect(readPhi3Config({ ...small, sliding_window: 2047 }).slidingWindow).toBe(2047);
    expect(readPhi3Config({ ...small, sliding_window: null, rope_scaling: null }).slidingWindow).toBe(0);
  });

  it('makes one linear of q, k and v, and one of the gate and its partner', () => {
    const { modules } = describeModel({ ...small, num_key_value_heads: 2, intermediate_size: 20 });
    const widths = modules.flatMap(({ path, outFeatures }) => (/qkv|gate_up/.test(path) ? [outFeatures] : []));
    expect(widths).toEqual([24 + 12 + 12, 40]);
  });

  it.each([
    [{ rope_scaling: { type: 'longrope', short_factor: [1], long_factor: [1] } }, /"longrope" is not supported/],
    [{ partial_rotary_factor: 0.75 }, /partial_rotary_factor 0.75/],
    [{ num_key_value_heads: 3 }, /num_key_value_heads must divide the 4/],
    [{ hidden_size: 20 }, /head_dim must be even/],
  ])('is refused by the name of the field: %o', (changed, message) => {
    expect(() => describeModel({ ...small, ...changed })).toThrow(message);
  });
});
