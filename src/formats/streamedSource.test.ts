import { expect, it } from 'vitest';
import { streamedSource } from './streamedSource.ts';

it('a file that is made while it is read is read from its beginning to its end, in ranges of any size', async () => {
  async function* chunks() {
    for (const chunk of [[1, 2, 3], [], [4], [5, 6, 7, 8]]) yield Promise.resolve(Uint8Array.from(chunk));
  }
  const source = streamedSource('model', 8, chunks());
  expect([...(await source.read(0, 2))]).toEqual([1, 2]);
  expect([...(await source.read(2, 6))]).toEqual([3, 4, 5, 6]);
  await expect(source.read(0, 2)).rejects.toThrow(/stands at 6/);
  expect([...(await source.read(6, 8))]).toEqual([7, 8]);
});
