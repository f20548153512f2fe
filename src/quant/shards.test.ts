import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../formats/errors.ts';
import type { BlockFormatName } from './format.ts';
import { weightFormats } from './registry.ts';
import { planeBytes, shardRows } from './shards.ts';

const MiB = 1 << 20;

describe('splitting by rows', () => {
  it('leaves a matrix whole that fits', () => {
    expect(shardRows(576, 1536, weightFormats.f32, 128 * MiB)).toEqual([{ rowStart: 0, rowCount: 576 }]);
  });

  it('splits a large embedding', () => {
    // 151,936 rows of 896 f32: 519 MiB in bindings of 128 MiB = 37,449 rows, of which 37,440 are whole tiles
    expect(shardRows(151936, 896, weightFormats.f32, 128 * MiB)).toEqual([
      { rowStart: 0, rowCount: 37440 },
      { rowStart: 37440, rowCount: 37440 },
      { rowStart: 74880, rowCount: 37440 },
      { rowStart: 112320, rowCount: 37440 },
      { rowStart: 149760, rowCount: 2176 },
    ]);
  });

  it('never binds more than 1 GiB, whatever the device offers', () => {
    const shards = shardRows(300000, 1024, weightFormats.f32, 4096 * MiB);
    expect(shards.length).toBe(2);
  });

  it('says so where not even one tile of rows fits', () => {
    expect(() => shardRows(1000, 2 ** 20, weightFormats.f32, 128 * MiB)).toThrow(UserError);
  });

  it('covers all rows once, within the limit, at aligned offsets', () => {
    const names = Object.keys(weightFormats) as BlockFormatName[];
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.integer({ min: 1, max: 20000 }),
        fc.integer({ min: 1, max: 40 }),
        (name, rows, units) => {
          const format = weightFormats[name];
          // plain floats need not have even rows
          const columns =
            format.blockSize === 1 ? units * 7 : Math.ceil((units * 32) / format.blockSize) * format.blockSize;
          const limit = 256 * 1024;
          const shards = shardRows(rows, columns, format, limit);
          let next = 0;
          for (const { rowStart, rowCount } of shards) {
            expect(rowStart).toBe(next);
            expect(rowCount).toBeGreaterThan(0);
            next += rowCount;
            for (const bytes of planeBytes(format, rowCount, columns)) expect(bytes).toBeLessThanOrEqual(limit);
            if (format.rowGroup === 1)
              for (const offset of planeBytes(format, rowStart, columns)) expect(offset % 256).toBe(0);
            expect(rowStart % 64).toBe(0);
          }
          expect(next).toBe(rows);
        },
      ),
    );
  });
});
