import { describe, expect, it } from 'vitest';
import { adviceFor, type AdviceFacts } from './advice.ts';

const given = (fields: AdviceFacts['fields'], steps = 100): AdviceFacts => ({
  fields,
  steps,
  feedForward: ['gate_proj', 'up_proj', 'down_proj'],
});
const ids = (fields: AdviceFacts['fields']) => adviceFor(given(fields)).map(({ id }) => id);

describe('adviceFor', () => {
  it('is silent where the form is as it should be', () => {
    expect(ids({ peft_type: 'LORA', r: 8, learning_rate: 2e-4 })).toEqual([]);
    expect(ids({ peft_type: 'IA3', learning_rate: 3e-3 })).toEqual([]);
  });

  it.each(['IA3', 'PROMPT_TUNING', 'PREFIX_TUNING', 'LOKR'])(
    'raises the learning rate of %s to where it learns',
    (peft_type) => {
      const [advice] = adviceFor(given({ peft_type, learning_rate: 1e-4 }));
      expect(advice?.apply).toEqual({ learning_rate: 3e-3 });
      expect(ids({ peft_type, ...advice?.apply })).toEqual([]);
    },
  );

  it('prefers the rank-stabilised scale and the MLP to a higher rank', () => {
    const plain = { peft_type: 'LORA', r: 64, target_modules: ['q_proj', 'v_proj'] };
    expect(ids(plain)).toEqual(['rslora', 'mlp-targets']);
    const followed = Object.assign({}, plain, ...adviceFor(given(plain)).map(({ apply }) => apply));
    expect(ids(followed)).toEqual([]);
    expect(ids({ ...plain, use_rslora: true, target_modules: ['up_proj'] })).toEqual([]);
  });

  it('halves the rank of DoRA', () => {
    const fields = { peft_type: 'LORA', r: 16, use_dora: true, target_modules: 'all-linear' };
    expect(adviceFor(given(fields))).toMatchObject([{ id: 'dora-rank', apply: { r: 8 } }]);
  });

  it('plans AdaLoRA over the steps that there are', () => {
    const facts = given({ peft_type: 'ADALORA', tfinal: 0 }, 200);
    expect(adviceFor(facts)).toMatchObject([{ apply: { tinit: 20, tfinal: 40 } }]);
    expect(adviceFor({ ...facts, steps: null })).toEqual([]);
  });

  it('warns of zeros in a prefix and of merging into 4 bits without a button', () => {
    const fields = { peft_type: 'PREFIX_TUNING', init_weights: 'zero', learning_rate: 3e-3, load_in_4bit: true };
    const found = adviceFor(given(fields));
    expect(found.map(({ id }) => id)).toEqual(['prefix-zero', 'merge-4bit']);
    expect(found.every(({ apply }) => apply === undefined)).toBe(true);
  });

  it('names a source for each', () => {
    const all = adviceFor(given({ peft_type: 'LORA', r: 64, use_dora: true, load_in_4bit: true }));
    expect(all.length).toBeGreaterThan(3);
    for (const { source } of all) expect(source.url).toMatch(/^https:\/\//);
  });
});
