import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../tests/peft/gradients.ts';
import { describeModel } from '../models/registry.ts';
import { initialValues } from './initialize.ts';

const settings = { peft_type: 'VERA', r: 3, target_modules: ['q_proj', 'down_proj', 'v_proj'] };

describe('VeRA', () => {
  it('has the gradients of finite differences', async () => {
    await checkMethodGradients({ ...settings, vera_dropout: 0.3 });
  });

  it('draws the shared matrices from their key as torch.Generator does', async () => {
    const adapter = attachTo(describeModel(tinyLlama), { ...settings, projection_prng_key: 7, save_projection: false });
    const unread = () => Promise.reject(new Error('nothing is read'));
    const source = { seed: 1, base: unread, baseRows: unread, tokenize: () => [] };
    const values = await initialValues(adapter, new Map(), source);
    // torch.empty(3, 12).uniform_(-b, b, generator) with b = sqrt(3) · sqrt(2) / sqrt(12), then torch.empty(8, 3) likewise
    expect([...(values.get('base_model.vera_A') ?? [])].slice(0, 3)).toEqual([
      0.04938792809844017, -0.4259566068649292, 0.22515933215618134,
    ]);
    expect(values.get('base_model.vera_B')?.at(-1)).toBe(0.6260364651679993);
  });
});
