import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thinnedIndices } from './lttb.ts';

describe('thinnedIndices', () => {
  it('returns every index of a short line', () => {
    expect(thinnedIndices([1, 2, 3], [5, 5, 5], 10)).toEqual([0, 1, 2]);
  });

  it('keeps the ends and the extremes, stays within the target and in order', () => {
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 30, maxLength: 400 });
    fc.assert(
      fc.property(values, fc.integer({ min: 8, max: 29 }), (ys, target) => {
        const xs = ys.map((_, index) => index);
        const kept = thinnedIndices(xs, ys, target);
        expect(kept.length).toBeLessThanOrEqual(target);
        expect(kept[0]).toBe(0);
        expect(kept.at(-1)).toBe(ys.length - 1);
        expect([...kept].sort((a, b) => a - b)).toEqual(kept);
        const drawn = kept.map((index) => ys[index] ?? 0);
        expect(Math.max(...drawn)).toBe(Math.max(...ys));
        expect(Math.min(...drawn)).toBe(Math.min(...ys));
      }),
      { numRuns: 100 },
    );
  });

  it('picks the corner of a bend rather than its neighbours', () => {
    const ys = Array.from({ length: 100 }, (_, index) => (index < 50 ? 0 : index - 50));
    expect(
      thinnedIndices(
        ys.map((_, index) => index),
        ys,
        10,
      ).some((index) => Math.abs(index - 50) <= 2),
    ).toBe(true);
  });
});
