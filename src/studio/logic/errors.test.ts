import { describe, expect, it } from 'vitest';
import { fieldNamedIn } from './errors.ts';

describe('fieldNamedIn', () => {
  const names = ['r', 'lora_alpha', 'target_modules'];

  it('finds the field a message speaks of, as a whole word', () => {
    expect(fieldNamedIn('r must be at least 1, not 0.', names)).toBe('r');
    expect(fieldNamedIn('target_modules names "foo": r of no layer.', names)).toBe('target_modules');
  });

  it('finds none in other words', () => {
    expect(fieldNamedIn('The router is far.', names)).toBeUndefined();
  });
});
