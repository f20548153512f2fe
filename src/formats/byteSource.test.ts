import { describe, expect, it } from 'vitest';
import { blobSource, memorySource, readJson, readText } from './byteSource.ts';
import { UserError } from './errors.ts';

const bytes = new Uint8Array([1, 2, 3, 4, 5, 6]);

describe.each([
  ['memory', () => memorySource(bytes, 'some.bin')],
  ['blob', () => blobSource(new Blob([bytes]), 'some.bin')],
])('a source over %s', (_, open) => {
  it('reads a range into a buffer of its own', async () => {
    const part = await open().read(2, 5);
    expect([...part]).toEqual([3, 4, 5]);
    expect(part.byteOffset).toBe(0);
    expect(part.buffer.byteLength).toBe(3);
    part[0] = 99;
    expect([...(await open().read(2, 3))]).toEqual([3]);
  });

  it.each([
    [4, 7],
    [-1, 2],
    [3, 2],
    [0.5, 2],
  ])('refuses the range %d to %d by name', async (start, end) => {
    await expect(open().read(start, end)).rejects.toThrow(UserError);
    await expect(open().read(start, end)).rejects.toThrow('some.bin');
  });
});

it('says that a file has changed when the browser can no longer read it', async () => {
  const blob = new Blob([bytes]);
  blob.slice = () =>
    ({ arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotReadableError')) }) as unknown as Blob;
  await expect(blobSource(blob, 'model.gguf').read(0, 1)).rejects.toThrow(/model\.gguf can no longer be read/);
});

describe('text', () => {
  it('drops a byte order mark and refuses what is not UTF-8', async () => {
    expect(await readText(memorySource(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]), 'a.txt'))).toBe('a');
    await expect(readText(memorySource(new Uint8Array([0xff, 0xfe]), 'a.txt'))).rejects.toThrow('a.txt is not UTF-8');
  });

  it('names the file whose JSON is broken', async () => {
    const broken = memorySource(new TextEncoder().encode('{"a": }'), 'config.json');
    await expect(readJson(broken)).rejects.toThrow('config.json is not valid JSON');
  });
});
