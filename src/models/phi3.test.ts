import { describe, expect, it } from 'vitest';
import { GgufMetadata } from '../formats/ggufMetadata.ts';
import { phi3ConfigFromGguf, readPhi3Config } from './phi3Config.ts';
import { describeModel, familyOfGguf } from './registry.ts';

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

describe('a GGUF file of a Phi-3', () => {
  const metadata = (values: object) => new GgufMetadata('model.gguf', new Map(Object.entries({ ...file, ...values })));
  const file = {
    'general.architecture': 'phi3',
    'phi3.vocab_size': 50,
    'phi3.embedding_length': 24,
    'phi3.attention.head_count': 4,
    'phi3.feed_forward_length': 20,
    'phi3.block_count': 1,
    'phi3.attention.layer_norm_rms_epsilon': 1e-5,
    'phi3.context_length': 64,
    'phi3.rope.dimension_count': 6,
  };

  it('has no window where it says 0', () => {
    const window = (length: number) =>
      readPhi3Config(phi3ConfigFromGguf(metadata({ 'phi3.attention.sliding_window': length }), new Set()))
        .slidingWindow;
    expect([0, 12].map(window)).toEqual([0, 12]);
  });

  it('is refused where the context is long or a part of a head is rotated', () => {
    expect(() => phi3ConfigFromGguf(metadata({}), new Set(['rope_factors_long.weight']))).toThrow(/longrope/);
    expect(() => phi3ConfigFromGguf(metadata({ 'phi3.rope.dimension_count': 4 }), new Set())).toThrow(/rotates 4 of 6/);
    expect(() => familyOfGguf('phi2')).toThrow(/Nearest to it here is phi3\./);
  });
});
