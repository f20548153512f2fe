import { describe, expect, it } from 'vitest';
import { chunkRowsFor, lossShape } from './traceLoss.ts';

const MiB = 2 ** 20;

describe('the shape of a micro-batch', () => {
  it('holds as many rows of logits at a time as 32 MiB and a binding do, in sixteens', () => {
    expect(chunkRowsFor(32_000, 128 * MiB)).toBe(256);
    expect(chunkRowsFor(32_000, 8 * MiB)).toBe(64);
    expect(chunkRowsFor(1_000_000, 128 * MiB)).toBe(16);
  });

  it('takes few rows in one chunk, and more in equal ones', () => {
    expect(lossShape(2, 64, 21, 32_000, 128 * MiB)).toEqual({ batch: 2, tokens: 64, labelRows: 32, chunkRows: 32 });
    expect(lossShape(2, 512, 600, 32_000, 128 * MiB)).toEqual({
      batch: 2,
      tokens: 512,
      labelRows: 768,
      chunkRows: 256,
    });
    expect(lossShape(1, 32, 0, 300, 128 * MiB).labelRows).toBe(16);
  });
});
