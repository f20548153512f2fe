import type { ByteSource, FileSet } from '../formats/byteSource.ts';
import { quantisedFormat, type Quantisation } from '../quant/quantise.ts';

/** bytes of a slice, and how many of a file are looked at: a file of no more than 1 MiB whole */
const sliceBytes = 4096;
const slices = 256;

/**
 * What the library knows a model by: its name, and a hash of its files' paths, sizes and of slices spread over each of them. Fine-tunes of
 * one model have files of the same names and sizes, and may differ in a few layers alone.
 */
export async function modelIdOf(name: string, files: FileSet): Promise<string> {
  const inOrder = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const known: unknown[] = [];
  for (const [path, source] of inOrder) known.push([path, source.size, await hashOfSlices(source)]);
  const hash = await hexHash(new TextEncoder().encode(JSON.stringify(known)));
  return `${name.replace(/[^\w.-]+/g, '_')}-${hash.slice(0, 16)}`;
}

/** The id of a model's quantised copy, known before it is made. */
export function idOfCopy(originalId: string, quantisation: Quantisation): string {
  return `${originalId}-${quantisedFormat(quantisation)}${quantisation.embeddings ? '-embeddings' : ''}`;
}

async function hashOfSlices(source: ByteSource): Promise<string> {
  const stride = Math.max(sliceBytes, (source.size - sliceBytes) / (slices - 1));
  const starts: number[] = [];
  for (let i = 0; i < slices && Math.round(i * stride) < source.size; i++) starts.push(Math.round(i * stride));
  const read = await Promise.all(starts.map((start) => source.read(start, Math.min(start + sliceBytes, source.size))));
  return hexHash(new Uint8Array(await new Blob(read).arrayBuffer()));
}

async function hexHash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
