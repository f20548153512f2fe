import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeStorages, type Storage } from './arena.ts';

const limit = 64 * 1024;

/** Storages with lifetimes that overlap at will; some pairs are live together and in conflict. */
const storages = fc
  .array(fc.record({ bytes: fc.integer({ min: 1, max: 20_000 }), first: fc.nat(30), length: fc.nat(10) }), {
    minLength: 1,
    maxLength: 40,
  })
  .chain((made) =>
    fc.array(fc.tuple(fc.nat(made.length - 1), fc.nat(made.length - 1)), { maxLength: 30 }).map((pairs) =>
      made.map(({ bytes, first, length }, key): Storage<number> => {
        const conflicts = pairs.flatMap(([a, b]) => (a === b ? [] : a === key ? [b] : b === key ? [a] : []));
        return { key, bytes, first, last: first + length, conflicts: new Set(conflicts) };
      }),
    ),
  );

describe('placeStorages', () => {
  it('lets no two storages that live at once share bytes, and puts conflicts into different buffers', () => {
    fc.assert(
      fc.property(storages, (given) => {
        const { placements, bufferSizes } = placeStorages(given, limit);
        for (const a of given) {
          const at = placements.get(a.key);
          if (!at) throw new Error(`storage ${a.key} was not placed`);
          expect(at.offset % 256).toBe(0);
          expect(at.offset + a.bytes).toBeLessThanOrEqual(bufferSizes[at.buffer] ?? 0);
          for (const key of a.conflicts) expect(placements.get(key)?.buffer).not.toBe(at.buffer);
          for (const b of given) {
            const other = placements.get(b.key);
            const liveTogether = a.first <= b.last && b.first <= a.last;
            if (a.key >= b.key || !other || !liveTogether || at.buffer !== other.buffer) continue;
            expect(at.offset + a.bytes <= other.offset || other.offset + b.bytes <= at.offset).toBe(true);
          }
        }
        for (const size of bufferSizes) expect(size).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('reuses the bytes of what is dead', () => {
    const storage = (key: number, first: number): Storage<number> => ({
      key,
      bytes: 1000,
      first,
      last: first + 1,
      conflicts: new Set(),
    });
    const chain = [0, 1, 2, 3, 4, 5].map((key) => storage(key, key));
    expect(placeStorages(chain, limit).bufferSizes).toEqual([2048]);
  });

  it('takes another buffer where one would grow beyond the largest', () => {
    const together = [0, 1, 2].map((key): Storage<number> => ({
      key,
      bytes: 1024,
      first: 0,
      last: 1,
      conflicts: new Set(),
    }));
    expect(placeStorages(together, 2048).bufferSizes).toEqual([2048, 1024]);
  });
});
