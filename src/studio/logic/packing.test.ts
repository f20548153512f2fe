import { describe, expect, it } from 'vitest';
import type { WeightGroup } from '../../engine/api.ts';
import {
  bitsPerWeight,
  formatBits,
  isFloatModel,
  mainFormat,
  packedFormats,
  packedRoles,
  packingText,
} from './packing.ts';

const group = (role: WeightGroup['role'], format: string, weights: number, bits: number): WeightGroup => ({
  role,
  format,
  isFloat: ['F32', 'F16', 'BF16'].includes(format),
  tensors: 1,
  weights,
  bytes: (weights * bits) / 8,
});

/** a mix as llama.cpp makes it */
const mixed = [
  group('mlp', 'Q6_K', 1000, 6.5625),
  group('norm', 'F32', 10, 32),
  group('attention', 'Q4_K', 2000, 4.5),
  group('mlp', 'Q4_K', 3000, 4.5),
  group('embedding', 'Q6_K', 1000, 6.5625),
];

describe('how weights are packed', () => {
  it('is told by format, the largest part first, with what each takes', () => {
    const [first, second, third] = packedFormats(mixed);
    expect(first).toMatchObject({ format: 'Q4_K', isFloat: false, bytes: 2812.5, bitsPerWeight: 4.5 });
    expect(second).toMatchObject({ format: 'Q6_K', bitsPerWeight: 6.5625 });
    expect(third?.format).toBe('F32');
    expect((first?.share ?? 0) + (second?.share ?? 0) + (third?.share ?? 0)).toBeCloseTo(1);
  });

  it('is told by role in the order of a model, the largest format of a role first', () => {
    expect(packedRoles(mixed).map(({ role, format }) => `${role} ${format}`)).toEqual([
      'embedding Q6_K',
      'attention Q4_K',
      'mlp Q4_K',
      'mlp Q6_K',
      'norm F32',
    ]);
  });

  it('is named by what most of the layers have, and says whether they are floats', () => {
    expect(mainFormat({ weights: mixed })).toBe('Q4_K');
    expect(isFloatModel({ weights: mixed })).toBe(false);
    const floats = [
      group('attention', 'BF16', 100, 16),
      group('embedding', 'INT8', 900, 8),
      group('norm', 'F32', 1, 32),
    ];
    expect(mainFormat({ weights: floats })).toBe('BF16');
    expect(isFloatModel({ weights: floats })).toBe(true);
  });

  it('means something in a sentence', () => {
    expect(packingText({ weights: [group('mlp', 'BF16', 10, 16)] })).toMatch(/^Its weights are plain floats, BF16:/);
    expect(packingText({ weights: mixed })).toBe(
      '99.9 % of its weights are quantised. It takes 5.13 bits a weight, 32 % of what 16 bits would take, and is trained on as it is.',
    );
    expect(bitsPerWeight([])).toBe(0);
    expect(formatBits(4.1279)).toBe('4.13');
  });
});
