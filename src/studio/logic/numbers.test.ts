import { describe, expect, it } from 'vitest';
import { readNumber } from './numbers.ts';

describe('readNumber', () => {
  it('takes every usual way to write a number', () => {
    expect(['2e-4', ' 0.0002 ', '.5', '12'].map((text) => readNumber(text, 'number').value)).toEqual([
      2e-4, 2e-4, 0.5, 12,
    ]);
  });

  it('says what it wants instead', () => {
    expect(readNumber('', 'integer', 1).problem).toBe('Type a whole number, 1 or more.');
    expect(readNumber('1.5', 'integer', 1, 64).problem).toBe('Type a whole number from 1 to 64.');
    expect(readNumber('2', 'number', 0, 1).problem).toBe('It must be a number from 0 to 1.');
    expect(readNumber('1e-', 'number').problem).toBe('Type a number.');
  });
});
