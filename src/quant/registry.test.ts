import { describe, expect, it } from 'vitest';
import type { FormatName } from './format.ts';
import { formatLabel } from './registry.ts';

describe('what people read of a format', () => {
  it.each<[FormatName, string]>([
    ['bf16', 'BF16'],
    ['q4_k', 'Q4_K'],
    ['nf4', 'NF4'],
    ['fp4_nested', 'FP4, double quantised'],
    ['int8', 'INT8'],
    ['int4_g128', 'GPTQ or AWQ 4-bit, groups of 128'],
    ['int4_x128', 'GPTQ 4-bit, groups of 128 in activation order'],
    ['int4_x16', 'GPTQ or AWQ 4-bit, groups of 16'],
    ['int3_g64', 'GPTQ 3-bit, groups of 64'],
  ])('%s is called %s', (name, label) => expect(formatLabel(name)).toBe(label));
});
