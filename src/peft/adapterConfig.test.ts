import { describe, expect, it } from 'vitest';
import { readAdapterFields } from './adapterConfig.ts';
import { methodOf } from './registry.ts';

const lora = methodOf('LORA');
const plain = {
  peft_type: 'LORA',
  peft_version: '0.21.2',
  r: 4,
  lora_alpha: 6,
  use_dora: false,
  loftq_config: {},
  eva_config: null,
};

describe('an adapter config', () => {
  it('is read over settings that are there and off', () => {
    expect(readAdapterFields(lora, plain)).toMatchObject({ r: 4, lora_alpha: 6, use_rslora: false });
  });

  it.each([
    ['use_qalora', true],
    ['target_parameters', ['experts.gate_up_proj']],
    ['alora_invocation_tokens', [1, 2]],
  ])('is refused by name where %s is on', (name, value) => {
    expect(() => readAdapterFields(lora, { ...plain, [name]: value })).toThrow(`adapter_config.json: ${name}`);
  });
});
