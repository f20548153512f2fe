import { zipSync } from 'fflate';
import { expect, it } from 'vitest';
import { blobSource, memorySource } from './byteSource.ts';
import { UserError } from './errors.ts';
import { unzipFiles, zipFiles } from './zip.ts';

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

it('unpacks what it packed, also a file of several pieces and an empty one', async () => {
  const long = new Uint8Array((8 << 20) + 5).fill(7);
  const archive = await zipFiles(
    new Map([
      ['adapter/a.bin', memorySource(bytes, 'a.bin')],
      ['long.bin', memorySource(long, 'long.bin')],
      ['empty', memorySource(new Uint8Array(0), 'empty')],
    ]),
  );
  const files = await unzipFiles(blobSource(archive, 'adapter.zip'));
  expect([...files.keys()]).toEqual(['adapter/a.bin', 'long.bin', 'empty']);
  expect(await files.get('adapter/a.bin')!.read(0, 1000)).toEqual(bytes);
  expect(files.get('long.bin')!.size).toBe(long.byteLength);
  expect([...(await files.get('long.bin')!.read(long.byteLength - 1, long.byteLength))]).toEqual([7]);
  expect(files.get('empty')!.size).toBe(0);
});

it('leaves out folder entries and opens compressed files', async () => {
  const archive = zipSync({ folder: { 'a.txt': [bytes, { level: 9 }] }, 'other/': new Uint8Array(0) });
  const files = await unzipFiles(memorySource(archive, 'adapter.zip'));
  expect([...files.keys()]).toEqual(['folder/a.txt']);
  expect(await files.get('folder/a.txt')!.read(0, 1000)).toEqual(bytes);
});

it.each(['../evil', '/etc/passwd', 'a/../../b', 'a\\b'])('refuses the path %s', async (path) => {
  const archive = memorySource(zipSync({ [path]: bytes }), 'adapter.zip');
  await expect(unzipFiles(archive)).rejects.toThrow(UserError);
  await expect(unzipFiles(archive)).rejects.toThrow(/leads outside its folder/);
});

it('names an archive that is damaged', async () => {
  await expect(unzipFiles(memorySource(bytes, 'adapter.zip'))).rejects.toThrow(/adapter\.zip is not a zip archive/);
});
