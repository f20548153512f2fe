import { open, rename, rm, type FileHandle } from 'node:fs/promises';

/** Writes a file piece by piece; it stands under its name when it is whole. */
export async function writePieces(path: string, header: Uint8Array, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const part = `${path}.part`;
  const file = await open(part, 'w');
  try {
    await file.write(header);
    for await (const piece of pieces) await writeWhole(file, piece);
    await file.close();
  } catch (error) {
    await file.close();
    await rm(part, { force: true });
    throw error;
  }
  await rename(part, path);
}

/** One call of write takes at most 2 GiB, and an embedding may be larger. */
async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  const most = 1 << 30;
  for (let start = 0; start < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, start, Math.min(most, bytes.byteLength - start));
    start += bytesWritten;
  }
}
