import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import type { PlacedBytes } from '../formats/weightFile.ts';

/** Writes a file piece by piece; it stands under its name when it is whole. */
export function writePieces(path: string, header: Uint8Array, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  return writeFile(path, async (file) => {
    await writeWhole(file, header);
    for await (const piece of pieces) await writeWhole(file, piece);
  });
}

/** Writes a file whose pieces come in any order; what none of them covers is zeros. It stands under its name when it is whole. */
export function writePlaced(path: string, byteLength: number, pieces: AsyncIterable<PlacedBytes>): Promise<void> {
  return writeFile(path, async (file) => {
    await file.truncate(byteLength);
    for await (const { offset, bytes } of pieces) await writeWhole(file, bytes, offset);
  });
}

async function writeFile(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const part = `${path}.part`;
  const file = await open(part, 'w');
  try {
    await write(file);
    await file.close();
  } catch (error) {
    await file.close();
    await rm(part, { force: true });
    throw error;
  }
  await rename(part, path);
}

/** One call of write takes at most 2 GiB, and an embedding may be larger. @param offset in the file; where it stands if not given */
async function writeWhole(file: FileHandle, bytes: Uint8Array, offset?: number): Promise<void> {
  const most = 1 << 30;
  for (let start = 0; start < bytes.byteLength;) {
    const position = offset === undefined ? null : offset + start;
    const { bytesWritten } = await file.write(bytes, start, Math.min(most, bytes.byteLength - start), position);
    start += bytesWritten;
  }
}
