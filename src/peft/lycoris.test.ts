import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../tests/peft/gradients.ts';
import { describeModel } from '../models/registry.ts';
import { factorization } from './lokr.ts';

const llama = describeModel(tinyLlama);
const dropouts = { rank_dropout: 0.3, module_dropout: 0.2 };

describe('LoHa', () => {
  it.each([1, 3])('has the gradient that differences give at rank %i, dropouts and all', (r) => {
    return checkMethodGradients({ peft_type: 'LOHA', r, target_modules: ['q_proj', 'up_proj'], ...dropouts });
  });

  it('refuses a rank above the width, convolutions, and Conv1D', () => {
    const attach = (fields: object) => attachTo(llama, { peft_type: 'LOHA', ...fields });
    expect(() => attach({ r: 9, target_modules: ['q_proj'] })).toThrow('Give 8 or less');
    expect(() => attach({ r: 2, use_effective_conv2d: true })).toThrow('use_effective_conv2d');
    const conv1d = { ...llama, modules: llama.modules.map((module) => ({ ...module, isConv1d: true })) };
    for (const peft_type of ['LOHA', 'LOKR']) expect(() => attachTo(conv1d, { peft_type, r: 2 })).toThrow('a Conv1D');
  });
});

describe('LoKr', () => {
  it.each([{ r: 1, decompose_both: true, rank_dropout_scale: true }, { r: 1, decompose_factor: 2 }, { r: 8 }])(
    'has the gradient that differences give: %o',
    (fields) => {
      return checkMethodGradients({
        peft_type: 'LOKR',
        target_modules: ['q_proj', 'down_proj'],
        ...dropouts,
        ...fields,
      });
    },
  );

  it('cuts widths as LyCORIS does', () => {
    expect(factorization(256, -1)).toEqual([16, 16]);
    expect(factorization(128, -1)).toEqual([8, 16]);
    expect(factorization(127, -1)).toEqual([1, 127]);
    expect(factorization(128, 4)).toEqual([4, 32]);
    expect(factorization(576, 5)).toEqual([4, 144]);
  });
});
