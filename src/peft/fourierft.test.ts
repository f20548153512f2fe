import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../tests/peft/gradients.ts';
import { describeModel } from '../models/registry.ts';

describe('FourierFT', () => {
  it('has the gradient that differences give', () =>
    checkMethodGradients({ peft_type: 'FOURIERFT', n_frequency: 3, target_modules: ['q_proj', 'down_proj'] }));

  it('refuses more waves than a layer has', () => {
    expect(() => attachTo(describeModel(tinyLlama), { peft_type: 'FOURIERFT' })).toThrow('Give 64 or fewer');
  });
});
