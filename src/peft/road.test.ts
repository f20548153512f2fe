import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../tests/peft/gradients.ts';
import { describeModel } from '../models/registry.ts';

const targets = { target_modules: ['q_proj', 'down_proj'] };

describe('RoAd', () => {
  it.each([
    { peft_type: 'ROAD', group_size: 4 },
    { peft_type: 'ROAD', group_size: 2, variant: 'road_2' },
    { peft_type: 'ROAD', group_size: 4, variant: 'road_4' },
  ])('has the gradient that differences give: %o', (fields) => checkMethodGradients({ ...targets, ...fields }));

  it.each([
    [{ peft_type: 'ROAD', group_size: 5 }, 'an even number such as 6'],
    [{ peft_type: 'ROAD', group_size: 6 }, 'Give 4.'],
  ])('refuses %o', (fields, message) => {
    expect(() => attachTo(describeModel(tinyLlama), fields)).toThrow(message);
  });
});
