import { expect, it } from 'vitest';
import { configText, withOwnHead } from './writeConfig.ts';

it('spells floats as floats, which Transformers 5 refuses as whole numbers, and nothing else', () => {
  const config = {
    initializer_factor: 1,
    final_logit_softcapping: 30,
    rms_norm_eps: 1,
    layer_norm_epsilon: 1e-6,
    initializer_range: 0.02,
    hidden_size: 8,
    dropout_rate: 0,
    note: 'no "initializer_factor": 1',
    nested: { initializer_factor: 2 },
  };
  const text = configText(config);
  expect(JSON.parse(text)).toEqual(config);
  for (const line of ['"initializer_factor": 1.0,', '"final_logit_softcapping": 30.0,', '"rms_norm_eps": 1.0,'])
    expect(text).toContain(line);
  expect(text).toContain('"initializer_factor": 2.0\n');
  expect(text).toContain('"hidden_size": 8,');
  expect(text).toContain('"dropout_rate": 0,');
});

it('keeps a T5 scaling as it did when its head gets weights of its own', () => {
  const headOf = (config: Record<string, unknown>) => withOwnHead({ model_type: 't5', ...config });
  const untied = { model_type: 't5', tie_word_embeddings: false };
  expect(headOf({})).toEqual({ ...untied, scale_decoder_outputs: true });
  expect(headOf({ tie_word_embeddings: true })).toEqual({ ...untied, scale_decoder_outputs: true });
  expect(headOf({ tie_word_embeddings: false })).toEqual({ ...untied, scale_decoder_outputs: false });
  expect(headOf({ scale_decoder_outputs: false })).toEqual({ ...untied, scale_decoder_outputs: false });
  expect(withOwnHead({ model_type: 'gpt2' })).toEqual({ model_type: 'gpt2', tie_word_embeddings: false });
});
