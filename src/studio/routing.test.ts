import { describe, expect, it } from 'vitest';
import { screenOfHash } from './routing.ts';

describe('screenOfHash', () => {
  it('reads the screen, with or without a slash', () => {
    expect(screenOfHash('#/train')).toBe('train');
    expect(screenOfHash('#library')).toBe('library');
  });

  it('opens the first screen for anything else', () => {
    expect(screenOfHash('')).toBe('model');
    expect(screenOfHash('#/nowhere')).toBe('model');
  });
});
