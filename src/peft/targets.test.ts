import { describe, expect, it } from 'vitest';
import { describeModel } from '../models/registry.ts';
import { patternValue, resolveTargets, type TargetFields } from './targets.ts';

const description = describeModel({
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  vocab_size: 100,
});

const resolve = (fields: TargetFields, kinds: readonly ('linear' | 'embedding')[] = ['linear', 'embedding']) =>
  resolveTargets(description, fields, kinds).map(({ path }) => path);

describe('target modules', () => {
  it('are named by the whole ending of their path', () => {
    expect(resolve({ target_modules: ['q_proj'] })).toEqual(
      [0, 1, 2].map((layer) => `model.layers.${layer}.self_attn.q_proj`),
    );
    expect(resolve({ target_modules: ['mlp.up_proj', 'lm_head'] })).toHaveLength(4);
    expect(() => resolve({ target_modules: ['_proj'] })).toThrow(/nothing in this model is named _proj/);
  });

  it('are matched by one expression over the whole path', () => {
    expect(resolve({ target_modules: '.*layers\\.[02].*(q|v)_proj' })).toEqual([
      'model.layers.0.self_attn.q_proj',
      'model.layers.0.self_attn.v_proj',
      'model.layers.2.self_attn.q_proj',
      'model.layers.2.self_attn.v_proj',
    ]);
    expect(() => resolve({ target_modules: 'q_proj' })).toThrow(/q_proj/);
    expect(() => resolve({ target_modules: '(' })).toThrow(/not a regular expression/);
  });

  it('are all linears but the head with all-linear', () => {
    const paths = resolve({ target_modules: 'all-linear' });
    expect(paths).toHaveLength(3 * 7);
    expect(paths).not.toContain('lm_head');
  });

  it('leave out what is excluded, saved whole, or in other layers', () => {
    expect(resolve({ target_modules: 'all-linear', exclude_modules: ['down_proj'] })).toHaveLength(3 * 6);
    expect(resolve({ target_modules: ['q_proj'], layers_to_transform: [1] })).toEqual([
      'model.layers.1.self_attn.q_proj',
    ]);
    expect(resolve({ target_modules: ['q_proj'], layers_to_transform: 2, layers_pattern: 'layers' })).toEqual([
      'model.layers.2.self_attn.q_proj',
    ]);
    expect(() => resolve({ target_modules: ['q_proj'], layers_to_transform: [7] })).toThrow(
      /there are 3, counted from 0/,
    );
    expect(() => resolve({ target_modules: '.*q_proj', layers_to_transform: [1] })).toThrow(/layers_to_transform/);
  });

  it('suggest the nearest name for a slip', () => {
    expect(() => resolve({ target_modules: ['q_porj'] })).toThrow(/Did you mean q_proj\?/);
  });

  it('are refused where a table is not looked up by ids, such as the relative positions of T5', () => {
    const t5 = describeModel({ model_type: 't5' });
    const named = (name: string) => resolveTargets(t5, { target_modules: [name] }, ['linear', 'embedding']);
    expect(named('shared')).toHaveLength(1);
    expect(() => named('relative_attention_bias')).toThrow(
      /relative_attention_bias \(embedding\), which this method cannot/,
    );
  });

  it('are refused where the method cannot change such a layer', () => {
    expect(() => resolve({ target_modules: ['embed_tokens'] }, ['linear'])).toThrow(
      /embed_tokens \(embedding\), which this method cannot change/,
    );
    expect(() => resolve({ target_modules: ['norm'] })).toThrow(/norm/);
  });
});

describe('patternValue', () => {
  it('takes the first pattern that matches the path or its ending', () => {
    const path = 'model.layers.1.self_attn.q_proj';
    expect(patternValue({ q_proj: 4 }, path, 8)).toBe(4);
    expect(patternValue({ 'layers.\\d+.self_attn.q_proj': 2, q_proj: 4 }, path, 8)).toBe(2);
    expect(patternValue({ k_proj: 4, proj: 3 }, path, 8)).toBe(8);
  });
});
