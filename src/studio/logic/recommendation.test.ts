import { describe, expect, it } from 'vitest';
import { recommend, type RunFacts } from './recommendation.ts';

const facts: RunFacts = {
  parameters: 135e6,
  rows: 500,
  isClassifier: false,
  loraShare: 0.2,
  recomputes: false,
  isQuantised: false,
  fits: [],
};

describe('recommend', () => {
  it('takes LoRA as it is for a usual run, and says what it saw', () => {
    const { peftType, fields, reason } = recommend(facts);
    expect([peftType, fields]).toEqual(['LORA', {}]);
    expect(reason).toContain('500 rows');
    expect(reason).toContain('135 M parameters');
  });

  it('takes (IA)³ for a handful of rows, where the model allows it', () => {
    expect(recommend({ ...facts, rows: 20 }).peftType).toBe('IA3');
    const fits = [{ peftType: 'IA3', trainableParameters: 0, adapterBytes: 0, reason: 'no targets' }];
    expect(recommend({ ...facts, rows: 20, fits }).peftType).toBe('LORA');
  });

  it('takes LoRA for a small classifier, however few its rows', () => {
    const { peftType, reason } = recommend({ ...facts, rows: 20, isClassifier: true });
    expect(peftType).toBe('LORA');
    expect(reason).toContain('head');
  });

  it('widens LoRA for much data', () => {
    expect(recommend({ ...facts, rows: 20_000 }).fields).toMatchObject({
      use_rslora: true,
      target_modules: 'all-linear',
    });
  });

  it('saves memory step by step before anything else', () => {
    const short: RunFacts = { ...facts, rows: 20_000, loraShare: 1.2 };
    expect(recommend(short).fields).toEqual({ gradient_checkpointing: true });
    expect(recommend({ ...short, recomputes: true }).fields).toMatchObject({ load_in_4bit: true });
    expect(recommend({ ...short, recomputes: true, isQuantised: true }).fields).toMatchObject({ batch_size: 1 });
  });

  it('names all linear layers where the model has no usual targets', () => {
    const lora = {
      peftType: 'LORA',
      trainableParameters: 0,
      adapterBytes: 0,
      reason: 'none',
      setting: 'target_modules',
    };
    expect(recommend({ ...facts, fits: [lora] })).toMatchObject({
      peftType: 'LORA',
      fields: { target_modules: 'all-linear' },
    });
  });

  it('takes what works where LoRA does not', () => {
    const fits = [
      { peftType: 'LORA', trainableParameters: 0, adapterBytes: 0, reason: 'no targets' },
      { peftType: 'LN_TUNING', trainableParameters: 10, adapterBytes: 40 },
    ];
    expect(recommend({ ...facts, fits }).peftType).toBe('LN_TUNING');
  });
});
