import { describe, expect, it } from 'vitest';
import type { MethodDescription } from '../../engine/api.ts';
import { findMethods, methodGroups } from './methodGroups.ts';

function method(peftType: string, name: string, group: MethodDescription['group'], labels: readonly string[] = []) {
  const fields = labels.map((label) => {
    return { name: label.toLowerCase(), label, help: '', kind: 'boolean', default: false, advanced: false } as const;
  });
  return { peftType, name, summary: `${name} is a method.`, group, learningRate: 1e-3, fields };
}

const lora = method('LORA', 'LoRA', 'lora', ['Rank', 'DoRA']);
const edora = method('EDORA', 'EDoRA', 'lora', ['Rank']);
const ia3 = method('IA3', '(IA)³', 'scaling');
const found = (query: string) => findMethods([lora, edora, ia3], query).map(({ method: { peftType } }) => peftType);

describe('findMethods', () => {
  it('puts a method of that name before one with a setting of that name, and says which', () => {
    const [first, second, ...rest] = findMethods([lora, edora, ia3], 'DoRA');
    expect([first?.method, first?.setting, second?.method, second?.setting?.label, rest.length]).toEqual([
      edora,
      undefined,
      lora,
      'DoRA',
      0,
    ]);
  });

  it('reads through brackets, raised digits and case', () => {
    expect(found('ia3')).toEqual(['IA3']);
  });

  it('finds a group by its name, and nothing where a word is missing', () => {
    expect(found('scaling')).toEqual(['IA3']);
    expect(found('lora quantum')).toEqual([]);
  });

  it('knows each group once', () => {
    expect(new Set(methodGroups.map(({ value }) => value)).size).toBe(methodGroups.length);
  });
});
