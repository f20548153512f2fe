import { describe, expect, it } from 'vitest';
import { attachTo, checkMethodGradients, tinyLlama } from '../../tests/peft/gradients.ts';
import { describeModel } from '../models/registry.ts';

const llama = describeModel(tinyLlama);
const noRead = () => Promise.reject(new Error('nothing is read'));
const source = { seed: 1, base: noRead, baseRows: noRead, parameter: noRead, tokenize: () => [] };
const targets = { target_modules: ['q_proj', 'down_proj'] };

describe('OFT', () => {
  it.each([
    { oft_block_size: 4 },
    { oft_block_size: 4, num_cayley_neumann_terms: 3, block_share: true },
    { oft_block_size: 2, use_cayley_neumann: false },
    { oft_block_size: 0, r: 1, num_cayley_neumann_terms: 2 },
  ])('has the gradient that differences give: %o', (fields) => {
    return checkMethodGradients({ peft_type: 'OFT', ...targets, ...fields });
  });

  it('cuts a width into blocks of the nearest size that divides it', () => {
    const { parameters } = attachTo(llama, { peft_type: 'OFT', oft_block_size: 5, ...targets });
    expect(parameters.map(({ shape }) => shape)).toEqual([
      [2, 6],
      [3, 6],
    ]);
  });

  it.each([
    [{ oft_block_size: 4, r: 2 }, 'give either the size of the blocks or their number'],
    [{ oft_block_size: 0, r: 8 }, 'one channel each'],
  ])('refuses %o', (fields, message) => {
    expect(() => attachTo(llama, { peft_type: 'OFT', ...fields })).toThrow(message);
  });
});

describe('BOFT', () => {
  it.each([
    { boft_block_size: 4, boft_dropout: 0.4 },
    { boft_block_size: 2, boft_n_butterfly_factor: 2, boft_dropout: 0.3 },
    { boft_block_size: 2, boft_n_butterfly_factor: 3, target_modules: ['q_proj'] },
  ])('has the gradient that differences give: %o', (fields) => {
    return checkMethodGradients({ peft_type: 'BOFT', ...targets, ...fields });
  });

  it.each([
    [{ boft_block_size: 4, boft_block_num: 2 }, 'give either the size of the blocks or boft_block_num'],
    [{ boft_block_size: 3 }, 'Give boft_block_size 2.'],
    [{ boft_block_size: 4, boft_n_butterfly_factor: 3 }, 'Give boft_block_size 2.'],
    [{ boft_block_size: 4, boft_n_butterfly_factor: 9 }, 'Give fewer.'],
  ])('refuses %o', (fields, message) => {
    expect(() => attachTo(llama, { peft_type: 'BOFT', ...fields })).toThrow(message);
  });
});

describe('HRA', () => {
  it.each([{ r: 1 }, { r: 3 }, { r: 2, apply_GS: true, init_weights: false }])(
    'has the gradient that differences give: %o',
    (fields) => checkMethodGradients({ peft_type: 'HRA', ...targets, ...fields }),
  );

  it('starts with mirrors in pairs', async () => {
    const { parameters } = attachTo(llama, { peft_type: 'HRA', r: 4, ...targets });
    const { initial } = parameters[0] ?? {};
    if (initial?.kind !== 'computed') throw new Error('pairs are computed');
    const values = await initial.compute(source);
    expect(values.length).toBe(32);
    values.forEach((value, i) => {
      if (i % 2 === 0) expect(values[i + 1]).toBe(value);
    });
    expect(new Set(values).size).toBe(16);
  });

  it('refuses mirrors in pairs that are to be made orthogonal, and a rank above the width', async () => {
    const { parameters } = attachTo(llama, { peft_type: 'HRA', r: 4, apply_GS: true, ...targets });
    const { initial } = parameters[0] ?? {};
    if (initial?.kind !== 'computed') throw new Error('pairs are computed');
    await expect(async () => initial.compute(source)).rejects.toThrow('an odd r such as 5');
    expect(() => attachTo(llama, { peft_type: 'HRA', r: 20, target_modules: ['q_proj'] })).toThrow('Give 8 or less');
  });
});
