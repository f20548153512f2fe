import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readText } from './byteSource.ts';
import { UserError } from './errors.ts';
import { folderFiles, openPath, writeFolder } from './nodeFiles.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('opens a folder by relative paths, following links to files', async () => {
  await mkdir(join(folder, 'blobs'));
  await mkdir(join(folder, 'snapshot'));
  await writeFile(join(folder, 'blobs', 'abc'), 'weights');
  await symlink(join('..', 'blobs', 'abc'), join(folder, 'snapshot', 'model.safetensors'));
  await symlink('nowhere', join(folder, 'snapshot', 'dangling'));
  const files = await folderFiles(folder);
  expect([...files.keys()]).toEqual(['blobs/abc', 'snapshot/model.safetensors']);
  expect(await readText(files.get('snapshot/model.safetensors')!)).toBe('weights');
});

it('opens one file as a set of one', async () => {
  await writeFile(join(folder, 'tiny.gguf'), 'GGUF');
  const files = await openPath(join(folder, 'tiny.gguf'));
  expect([...files.keys()]).toEqual(['tiny.gguf']);
  expect(files.get('tiny.gguf')!.size).toBe(4);
});

it('names a path that does not exist', async () => {
  await expect(openPath(join(folder, 'missing'))).rejects.toThrow(/missing does not exist/);
});

it('refuses a file that became shorter after it was opened', async () => {
  const path = join(folder, 'shrinking.bin');
  await writeFile(path, 'eight by');
  const source = (await openPath(path)).get('shrinking.bin')!;
  await truncate(path, 3);
  await expect(source.read(0, 8)).rejects.toThrow(UserError);
});

it('writes a folder that it can read again', async () => {
  await writeFolder(join(folder, 'out'), new Map([['sub/a.txt', new TextEncoder().encode('hello')]]));
  const files = await folderFiles(join(folder, 'out'));
  expect([...files.keys()]).toEqual(['sub/a.txt']);
  expect(await readText(files.get('sub/a.txt')!)).toBe('hello');
});
