import { describe, expect, it } from 'vitest';
import { smoothed } from './smoothing.ts';

describe('smoothed', () => {
  it('leaves values alone at weight 0', () => {
    expect(smoothed([3, 1, 2], 0)).toEqual([3, 1, 2]);
  });

  it('starts at the first value and keeps a constant line constant', () => {
    for (const value of smoothed([2.5, 2.5, 2.5, 2.5], 0.9)) expect(value).toBeCloseTo(2.5, 12);
  });

  it('is the weighted mean of what was seen', () => {
    const [, second] = smoothed([1, 3], 0.5);
    // (0.5·0.5·1 + 0.5·3) ÷ (1 − 0.25)
    expect(second).toBeCloseTo(1.75 / 0.75, 12);
  });

  it('shows a value that is not a number and goes on after it', () => {
    const line = smoothed([1, Number.NaN, 1], 0.6);
    expect(line[1]).toBeNaN();
    expect(line[2]).toBeCloseTo(1, 12);
  });
});
