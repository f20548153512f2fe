import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../tests/peft/gradients.ts';
import { noise } from '../../tests/ops/harness.ts';
import { describeModel } from '../models/registry.ts';
import { initialValues } from './initialize.ts';
import type { Adapter } from './method.ts';

const key = 'base_model.model.model.layers.0.self_attn.q_proj.lora_';
const tiny = describeModel(tinyLlama);

/** First numbers over weights of noise. */
async function start(adapter: Adapter): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const base = () => Promise.resolve(Float32Array.from(noise(64, 3)));
  const baseRows = () => Promise.reject(new Error('whole tensors are read'));
  return initialValues(adapter, new Map(), { seed: 1, base, baseRows, tokenize: () => [] });
}

describe.each(['LORA_XS', 'EDORA'])('%s', (peft_type) => {
  it('has the gradients of finite differences', async () => {
    const settings = { peft_type, r: 3, lora_alpha: 5, target_modules: ['q_proj', 'down_proj'] };
    await checkMethodGradients(settings);
    await checkMethodGradients({ ...settings, lora_dropout: 0.3 });
  });

  it('starts from all of the weight where the rank allows it, and as the model is', async () => {
    const adapter = attachTo(tiny, { peft_type, r: 8, target_modules: ['q_proj'] });
    const values = await start(adapter);
    const [a = [], b = [], inner = []] = ['A', 'B', 'R'].map((letter) => values.get(`${key}${letter}.weight`));
    const weight = noise(64, 3);
    for (let i = 0; i < 8; i++)
      for (let j = 0; j < 8; j++) {
        const entry = Array.from({ length: 8 }, (_, k) => (b[i * 8 + k] ?? NaN) * (a[k * 8 + j] ?? NaN));
        expect(entry.reduce((sum, x) => sum + x)).toBeCloseTo(weight[i * 8 + j] ?? NaN, 5);
      }
    expect(Math.max(...Array.from(inner, Math.abs))).toBeLessThan(1e-4);
  });

  it('goes on from what it wrote, and says what is missing without the file beside it', async () => {
    const adapter = attachTo(tiny, { peft_type, r: 2, target_modules: ['q_proj'] });
    const values = await start(adapter);
    const content = await adapter.toContent?.(values, () => Promise.reject(new Error('nothing is read')));
    if (!content) throw new Error('its file is not its parameters');
    expect(content.config).toMatchObject({ peft_type: 'LORA', use_dora: peft_type === 'EDORA' });
    expect([...content.tensors.keys()]).not.toContain(`${key}R.weight`);
    const back = adapter.fromContent?.(content);
    for (const letter of ['A', 'B', 'R']) {
      const name = `${key}${letter}.weight`;
      expect(back?.get(name), name).toEqual(values.get(name));
    }
    expect(() => adapter.fromContent?.({ ...content, beside: new Map() })).toThrow(/graft_state\.safetensors/);
  });

  it('refuses a rank above the smaller side', () => {
    expect(() => attachTo(tiny, { peft_type, r: 5, target_modules: ['v_proj'] })).toThrow(/r: 5.*Give 4 or less/);
  });
});
