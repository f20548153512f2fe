/** Files on disk as ByteSources. For Node only: the browser bundle must not import this module. */
import { mkdir, open, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { ByteSource, FileSet } from './byteSource.ts';
import { checkRange } from './byteSource.ts';
import { UserError } from './errors.ts';

/** One file. Its size is taken now; each read opens and closes it, so no handle is left behind. */
export async function fileSource(path: string, name = basename(path)): Promise<ByteSource> {
  const found = await statOrRefuse(path);
  if (!found.isFile()) throw new UserError(`${path} is a folder, but a file is wanted here.`);
  return sourceOfKnownFile(path, name, found.size);
}

/** Every file under a folder, by its path relative to the folder. Symbolic links to files are followed (the Hub's cache is made of them). */
export async function folderFiles(path: string): Promise<FileSet> {
  const found = await statOrRefuse(path);
  if (!found.isDirectory()) throw new UserError(`${path} is a file, but a folder is wanted here.`);
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = new Map<string, ByteSource>();
  for (const entry of entries) {
    if (!entry.isFile() && !entry.isSymbolicLink()) continue;
    const full = join(entry.parentPath, entry.name);
    const target = await stat(full).catch(() => undefined); // undefined: a dangling link
    if (!target?.isFile()) continue;
    const key = relative(path, full).split(sep).join('/');
    files.set(key, sourceOfKnownFile(full, key, target.size));
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A file as a set of one, or a folder as the set of its files. */
export async function openPath(path: string): Promise<FileSet> {
  const found = await statOrRefuse(path);
  if (found.isDirectory()) return folderFiles(path);
  const source = await fileSource(path);
  return new Map([[source.name, source]]);
}

/** Writes small files under a folder, which is made. Each appears under its name only when it is complete. */
export async function writeFolder(path: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [name, bytes] of files) {
    const full = join(path, name);
    await mkdir(dirname(full), { recursive: true });
    await writeFile(`${full}.part`, bytes);
    await rename(`${full}.part`, full);
  }
}

function sourceOfKnownFile(path: string, name: string, size: number): ByteSource {
  return {
    name,
    size,
    async read(start, end) {
      checkRange(name, size, start, end);
      const bytes = new Uint8Array(end - start);
      const handle = await open(path).catch((cause: unknown) => {
        throw new UserError(`${path} can no longer be opened: it was moved or its permissions changed.`, { cause });
      });
      try {
        let done = 0;
        while (done < bytes.byteLength) {
          const { bytesRead } = await handle.read(bytes, done, bytes.byteLength - done, start + done);
          if (bytesRead === 0) throw new UserError(`${path} became shorter while it was read. Open it again.`);
          done += bytesRead;
        }
      } finally {
        await handle.close();
      }
      return bytes;
    },
  };
}

async function statOrRefuse(path: string) {
  try {
    return await stat(path);
  } catch (cause) {
    throw new UserError(`${path} does not exist or cannot be read. Check the path.`, { cause });
  }
}
