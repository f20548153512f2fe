import { describe, expect, it } from 'vitest';
import {
  formatAgo,
  formatBytes,
  formatLoss,
  formatNumber,
  formatSeconds,
  formatShare,
  formatShort,
  plural,
} from './format.ts';

describe('formatting', () => {
  it('writes sizes in decimal units', () => {
    expect([0, 999, 1500, 999_600, 60_400_000, 2_400_000_000].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.5 KB',
      '1 MB',
      '60.4 MB',
      '2.4 GB',
    ]);
  });

  it('shortens parameter counts', () => {
    expect([999, 134_515_008, 1_240_000_000].map(formatShort)).toEqual(['999', '135 M', '1.24 B']);
  });

  it('writes durations in the two largest units', () => {
    expect([0.2, 42, 60, 185, 7800, Number.POSITIVE_INFINITY].map(formatSeconds)).toEqual([
      'under a second',
      '42 s',
      '1 min',
      '3 min 5 s',
      '2 h 10 min',
      'unknown',
    ]);
  });

  it('says how long ago', () => {
    const now = 1_000_000_000;
    expect([1e3, 40e3, 600e3, 7.2e6, 86.4e6, 3 * 86.4e6].map((age) => formatAgo(now - age, now))).toEqual([
      'just now',
      '40 s ago',
      '10 min ago',
      '2 h ago',
      'yesterday',
      '3 days ago',
    ]);
  });

  it('writes settings the way people type them', () => {
    expect([2e-4, 0.01, 0, 512, 1.5, 3e-5].map(formatNumber)).toEqual(['2e-4', '0.01', '0', '512', '1.5', '3e-5']);
  });

  it('keeps small shares readable', () => {
    expect([0, 0.00042, 0.1234, 1].map(formatShare)).toEqual(['0 %', '0.042 %', '12.3 %', '100 %']);
  });

  it('names a loss that is not a number', () => {
    expect(formatLoss(Number.NaN)).toBe('not a number');
    expect(formatLoss(2.34567)).toBe('2.346');
  });

  it('puts nouns in the plural', () => {
    expect([plural(1, 'row'), plural(1200, 'row'), plural(2, 'entry', 'entries')]).toEqual([
      '1 row',
      '1,200 rows',
      '2 entries',
    ]);
  });
});
