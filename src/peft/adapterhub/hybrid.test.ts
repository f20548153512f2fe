import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../../tests/peft/gradients.ts';
import { describeModel } from '../../models/registry.ts';
import { readAdapterFields } from '../adapterConfig.ts';
import { initialValues } from '../initialize.ts';
import { methodOfConfig } from '../registry.ts';

const description = describeModel(tinyLlama);
const given = {
  peft_type: 'HYBRID',
  r: 2,
  lora_alpha: 5,
  target_modules: ['q_proj', 'up_proj'],
  reduction_factor: 2,
  mh_adapter: true,
  ln_before: true,
};
const readNothing = () => Promise.reject(new Error('nothing is read from the checkpoint'));

describe('LoRA with bottleneck adapters', () => {
  it('has the gradient that differences give, both dropouts and all', async () => {
    await checkMethodGradients({ ...given, lora_dropout: 0.3, dropout: 0.2 });
  });

  it('is read back from what it writes, numbers and settings of both parts', async () => {
    const adapter = attachTo(description, given);
    const source = { seed: 5, base: readNothing, baseRows: readNothing, tokenize: () => [] };
    const values = await initialValues(adapter, new Map(), source);
    const content = await adapter.toContent?.(values, readNothing);
    if (!content) throw new Error('a hybrid writes parts');
    expect(content.config).toMatchObject({ lora: { peft_type: 'LORA', r: 2 }, adapter: { name: 'default' } });
    expect(content.config['adapter']).not.toHaveProperty('config.lora_alpha');
    const method = methodOfConfig(content.config);
    const again = method.attach(readAdapterFields(method, content.config), {
      description,
      baseModelName: null,
      taskType: 'CAUSAL_LM',
    });
    expect(again.config).toEqual(adapter.config);
    expect(again.fromContent?.(content)).toEqual(values);
  });

  it('is refused as a whole where one part does not fit', async () => {
    const adapter = attachTo(description, given);
    const source = { seed: 5, base: readNothing, baseRows: readNothing, tokenize: () => [] };
    const content = await adapter.toContent?.(await initialValues(adapter, new Map(), source), readNothing);
    if (!content) throw new Error('a hybrid writes parts');
    const without = (part: string) => new Map([...content.tensors].filter(([key]) => !key.includes(part)));
    for (const part of ['up_proj.lora_A', 'attention_adapters'])
      expect(() => adapter.fromContent?.({ ...content, tensors: without(part) })).toThrow(`missing`);
  });
});
