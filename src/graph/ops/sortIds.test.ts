import { expect, test } from 'vitest';
import { sortIds } from './sortIds.ts';

test('groups the rows of each id, in their order, and leaves empty ranges behind the last id', () => {
  const { order, starts } = sortIds(Uint32Array.of(7, 2, 7, 0, 2, 7));
  expect([...order]).toEqual([3, 1, 4, 0, 2, 5]);
  expect([...starts]).toEqual([0, 1, 3, 6, 6, 6, 6]);
});

test('sorts large ids as unsigned numbers', () => {
  expect([...sortIds(Uint32Array.of(4_000_000_000, 5, 3_000_000_000)).order]).toEqual([1, 2, 0]);
});
