/** Zip archives: adapters and merged models for download, and dropped archives opened as folders. */
import { unzipSync, Zip, ZipPassThrough } from 'fflate';
import type { ByteSource, FileSet } from './byteSource.ts';
import { memorySource } from './byteSource.ts';
import { UserError } from './errors.ts';

/** bytes read from a source at a time */
const PIECE_BYTES = 8 << 20;
/** Without the 64-bit extension, which fflate does not write, sizes and offsets have 32 bits; directory entries need a little. */
const MAX_ARCHIVE_BYTES = 2 ** 32 - (16 << 20);
/** A dropped archive is opened in memory; models are dropped as folders. */
const MAX_UNPACKED_BYTES = 2 ** 30;

/** Packs files without compression (weights do not compress), reading piece by piece. Throws a UserError beyond 4 GB. */
export async function zipFiles(files: FileSet): Promise<Blob> {
  const total = [...files.values()].reduce((sum, file) => sum + file.size, 0);
  if (total > MAX_ARCHIVE_BYTES)
    throw new UserError('The files are too large for one zip archive (4 GB). Save them one by one.');
  const parts: Blob[] = [];
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    parts.push(new Blob([new Uint8Array(chunk)])); // a Blob may leave the heap
  });
  for (const [path, source] of files) {
    const entry = new ZipPassThrough(path);
    zip.add(entry);
    for (let start = 0; start < source.size; start += PIECE_BYTES) {
      entry.push(await source.read(start, Math.min(start + PIECE_BYTES, source.size)));
    }
    entry.push(new Uint8Array(0), true);
  }
  zip.end();
  return new Blob(parts, { type: 'application/zip' });
}

/** Unpacks an archive into memory. Throws a UserError for a damaged archive, one beyond 1 GiB, or paths that leave the folder. */
export async function unzipFiles(archive: ByteSource): Promise<FileSet> {
  const bytes = await archive.read(0, archive.size);
  let unpacked = 0;
  let unpackedFiles: Record<string, Uint8Array>;
  try {
    unpackedFiles = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (name.endsWith('/')) return false;
        refusePathsOutside(archive, name);
        unpacked += originalSize;
        if (unpacked > MAX_UNPACKED_BYTES)
          throw new UserError(`${archive.name} unpacks to more than 1 GiB. Unpack it first and open the folder.`);
        return true;
      },
    });
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(
      `${archive.name} is not a zip archive that can be read: it is damaged or encrypted. Download it again.`,
      { cause },
    );
  }
  return new Map(Object.entries(unpackedFiles).map(([path, file]) => [path, memorySource(file, path)]));
}

function refusePathsOutside(archive: ByteSource, path: string): void {
  if (!path.startsWith('/') && !path.includes('\\') && !path.split('/').includes('..')) return;
  throw new UserError(
    `${archive.name} holds the path ${path}, which leads outside its folder. Do not trust this archive.`,
  );
}
