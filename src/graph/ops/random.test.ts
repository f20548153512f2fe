import { describe, expect, it } from 'vitest';
import { pcg4d, randomWords } from './random.ts';

const count = 1 << 16;
const at = (seed: number, step: number, microBatch: number, site: number) => {
  const word = randomWords({ seed, step, microBatch }, site);
  return Float64Array.from({ length: count }, (_, i) => word(i) / 2 ** 32 - 0.5);
};
const mean = (values: Float64Array) => values.reduce((sum, x) => sum + x, 0) / values.length;
/** Correlation of two uniform samples, in standard deviations of what chance gives. */
const correlation = (a: Float64Array, b: Float64Array) =>
  12 * mean(a.map((x, i) => x * (b[i] ?? 0))) * Math.sqrt(count);

describe('randomWords', () => {
  it('gives 32-bit words that a run can repeat', () => {
    expect(pcg4d([0, 0, 0, 0])).toEqual(pcg4d([0, 0, 0, 0]));
    expect(randomWords({ seed: 1, step: 2, microBatch: 3 }, 4)(5)).toBe(
      randomWords({ seed: 1, step: 2, microBatch: 3 }, 4)(5),
    );
  });

  it('is uniform: mean, variance, and every one of the bits', () => {
    const values = at(42, 1, 0, 0);
    expect(Math.abs(mean(values))).toBeLessThan((4 * Math.sqrt(1 / 12)) / Math.sqrt(count));
    expect(mean(values.map((x) => x * x))).toBeCloseTo(1 / 12, 3);
    const word = randomWords({ seed: 42, step: 1, microBatch: 0 }, 0);
    for (let bit = 0; bit < 32; bit++) {
      let ones = 0;
      for (let i = 0; i < count; i++) ones += (word(i) >>> bit) & 1;
      expect(Math.abs(ones - count / 2), `bit ${bit}`).toBeLessThan(4.5 * Math.sqrt(count / 4));
    }
  });

  it('shows no correlation between neighbours, rows of a power of two, sites, steps, micro-batches or seeds', () => {
    const base = at(42, 1, 0, 0);
    for (const lag of [1, 2, 64, 576, 1024]) {
      const shifted = base.map((_, i) => base[(i + lag) % count] ?? 0);
      expect(Math.abs(correlation(base, shifted)), `lag ${lag}`).toBeLessThan(4.5);
    }
    for (const other of [at(43, 1, 0, 0), at(42, 2, 0, 0), at(42, 1, 1, 0), at(42, 1, 0, 1), at(1, 42, 0, 0)])
      expect(Math.abs(correlation(base, other))).toBeLessThan(4.5);
  });

  it('fills 256 bins evenly for pairs of neighbours (χ²)', () => {
    const word = randomWords({ seed: 7, step: 3, microBatch: 0 }, 11);
    const bins = new Float64Array(256);
    for (let i = 0; i < count; i++) {
      const bin = ((word(2 * i) >>> 28) << 4) | (word(2 * i + 1) >>> 28);
      bins[bin] = (bins[bin] ?? 0) + 1;
    }
    const expected = count / 256;
    const chi = bins.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(chi).toBeGreaterThan(255 - 5 * Math.sqrt(510));
    expect(chi).toBeLessThan(255 + 5 * Math.sqrt(510));
  });
});
