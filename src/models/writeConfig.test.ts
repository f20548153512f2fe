import { expect, it } from 'vitest';
import { configText } from './writeConfig.ts';

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
