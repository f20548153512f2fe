import { describe, expect, it } from 'vitest';
import { histogramBars } from './histogram.ts';

const bins = [
  { upTo: 50, rows: 10 },
  { upTo: 100, rows: 5 },
  { upTo: 200, rows: 0 },
];

describe('histogramBars', () => {
  it('covers the axis without a gap, also with uneven bins', () => {
    const { bars, end } = histogramBars(bins, 500);
    expect(end).toBe(200);
    expect(bars.map(({ left, width, height }) => [left, width, height])).toEqual([
      [0, 0.25, 1],
      [0.25, 0.25, 0.5],
      [0.5, 0.5, 0],
    ]);
  });

  it('draws the length line only near the rows, and makes room for it', () => {
    expect(histogramBars(bins, 100).line).toBe(0.5);
    expect(histogramBars(bins, 250)).toMatchObject({ line: 1, end: 250 });
    expect(histogramBars(bins, 500).line).toBeNull();
    expect(histogramBars([], 500)).toEqual({ bars: [], line: null, end: 0 });
  });

  it('marks the bar that holds the rows of the maximum length', () => {
    expect(histogramBars(bins, 50).bars.map((bar) => bar.atLimit)).toEqual([false, true, false]);
  });
});
