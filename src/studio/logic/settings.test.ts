import { describe, expect, it } from 'vitest';
import type { FieldDescription, MethodDescription } from '../../engine/api.ts';
import {
  changedFields,
  composeFields,
  continuing,
  methodFields,
  plannedSteps,
  settingsOfFields,
  valueOf,
  withMethod,
  withValue,
} from './settings.ts';
import type { Settings } from './settings.ts';

function field(name: string, fallback: unknown): FieldDescription {
  return { name, label: name, help: '', kind: 'number', default: fallback, advanced: false };
}

const rank = field('r', 8);
const learningRate = field('learning_rate', 1e-3);
const lora: MethodDescription = {
  peftType: 'LORA',
  name: 'LoRA',
  summary: '',
  group: 'lora',
  learningRate: 2e-4,
  fields: [rank, field('target_modules', null), { ...field('loraplus_lr_ratio', 0), trainingOnly: true }],
};
const ia3: MethodDescription = {
  peftType: 'IA3',
  name: 'IA³',
  summary: '',
  group: 'scaling',
  learningRate: 5e-3,
  fields: [field('feedforward_modules', null)],
};
const settings: Settings = {
  methods: [lora, ia3],
  trainingFields: [learningRate, field('batch_size', 4), field('max_length', 512)],
  peftType: 'LORA',
  overrides: {},
  shelved: {},
  continued: null,
};
const data = { maxLength: 256, lossOn: 'replies', valSplitRatio: 0.1, taskType: 'auto', problemType: 'auto' } as const;

describe('settings', () => {
  it('moves the learning rate with the method until it is touched', () => {
    expect(valueOf(learningRate, settings)).toBe(2e-4);
    expect(valueOf(learningRate, { ...settings, peftType: 'IA3' })).toBe(5e-3);
    const touched = { ...settings, overrides: withValue(learningRate, 1e-4, settings) };
    expect(valueOf(learningRate, { ...touched, peftType: 'IA3' })).toBe(1e-4);
  });

  it('counts a setting as changed until it is back at its default', () => {
    const changed = { ...settings, overrides: withValue(rank, 16, settings) };
    expect(changedFields(changed).map(({ name }) => name)).toEqual(['r']);
    expect(withValue(rank, 8, changed)).toEqual({});
  });

  it('sends defaults, overrides and data options, but no field of another method and nothing empty', () => {
    const changed = {
      ...settings,
      overrides: { r: 16, feedforward_modules: ['down_proj'], rank_pattern: { q_proj: 4 } },
    };
    expect(composeFields(changed, data)).toEqual({
      peft_type: 'LORA',
      r: 16,
      loraplus_lr_ratio: 0,
      learning_rate: 2e-4,
      batch_size: 4,
      rank_pattern: { q_proj: 4 },
      max_length: 256,
      loss_on: 'replies',
      val_split_ratio: 0.1,
      task_type: 'auto',
      problem_type: 'auto',
    });
  });

  it('reads back what it wrote', () => {
    const changed = { ...settings, peftType: 'IA3', overrides: { batch_size: 2, feedforward_modules: ['down_proj'] } };
    const back = settingsOfFields(composeFields(changed, data), settings);
    expect(back.settings).toEqual(changed);
    expect(back.data).toEqual(data);
  });
});

describe('withMethod', () => {
  it("leaves a method's fields with it and takes those of the run along", () => {
    const changed = { ...settings, overrides: { r: 16, batch_size: 2 } };
    const other = withMethod(changed, 'IA3');
    expect(other.overrides).toEqual({ batch_size: 2 });
    expect(
      withMethod({ ...other, overrides: { ...other.overrides, feedforward_modules: ['up_proj'] } }, 'LORA'),
    ).toEqual({
      ...changed,
      shelved: { IA3: { feedforward_modules: ['up_proj'] } },
    });
  });
});

describe('continuing an adapter', () => {
  const adapter = { id: 'a1', name: 'pirate', peftType: 'LORA', fields: { r: 4, target_modules: ['q_proj'] } };
  const continued = continuing({ ...settings, peftType: 'IA3', overrides: { batch_size: 2, r: 16 } }, adapter);

  it('leaves only what concerns the optimizer to be set', () => {
    expect(continued.peftType).toBe('LORA');
    expect(methodFields(continued).map(({ name }) => name)).toEqual(['loraplus_lr_ratio']);
    expect(changedFields(continued).map(({ name }) => name)).toEqual(['batch_size']);
  });

  it('names the adapter and says nothing of what the adapter decides', () => {
    const fields = composeFields(continued, data);
    expect(fields).toMatchObject({ peft_type: 'LORA', init_adapter: 'a1', batch_size: 2, loraplus_lr_ratio: 0 });
    expect(fields).not.toHaveProperty('r');
    expect(fields).not.toHaveProperty('target_modules');
  });
});

describe('plannedSteps', () => {
  it('counts as Transformers does', () => {
    expect(plannedSteps(10, { batch_size: 4, gradient_accumulation_steps: 2, num_train_epochs: 3 })).toBe(6);
    expect(plannedSteps(10, { batch_size: 4, num_train_epochs: 3, max_steps: 7 })).toBe(7);
    expect(plannedSteps(10, { batch_size: 4, num_train_epochs: 1, max_steps: -1 })).toBe(3);
  });
});
