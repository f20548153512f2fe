import { UserError } from './errors.ts';

/** A file whose bytes are read by range. Reading a range never loads the rest, so a model is never whole in the heap. */
export interface ByteSource {
  /** what an error message calls it: a file name or a path relative to the folder it came from */
  readonly name: string;
  /** bytes */
  readonly size: number;
  /**
   * Bytes [start, end). The result has a buffer of its own and begins at that buffer's byte 0: it may be viewed as any
   * element type and transferred. Rejects with a UserError where the range lies outside the file or the file can no longer be read.
   */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** The files of one folder (or one file alone), keyed by their path relative to it, with '/' between names. */
export type FileSet = ReadonlyMap<string, ByteSource>;

/** A dropped File, or a Blob from the library. Nothing is copied until a range is read. */
export function blobSource(blob: Blob, name: string): ByteSource {
  return {
    name,
    size: blob.size,
    async read(start, end) {
      checkRange(name, blob.size, start, end);
      try {
        return new Uint8Array(await blob.slice(start, end).arrayBuffer());
      } catch (cause) {
        // browsers refuse a File whose modification time or place changed after it was picked
        throw new UserError(
          `${name} can no longer be read: it was changed or moved since it was opened. Open it again.`,
          {
            cause,
          },
        );
      }
    },
  };
}

/** Bytes that are in memory already. The array is not copied here, so it must not be changed afterwards. */
export function memorySource(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    async read(start, end) {
      checkRange(name, bytes.byteLength, start, end);
      return new Uint8Array(bytes.subarray(start, end));
    },
  };
}

/** Reads a small text file whole, as UTF-8 (a byte order mark is dropped). */
export async function readText(source: ByteSource): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await source.read(0, source.size));
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`${source.name} is not UTF-8 text. Save it as UTF-8.`, { cause });
  }
}

/** Reads a small JSON file whole. */
export async function readJson(source: ByteSource): Promise<unknown> {
  const text = await readText(source);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`${source.name} is not valid JSON (${detail}). Mend it or download it again.`, { cause });
  }
}

/** Throws a UserError unless 0 ≤ start ≤ end ≤ size, all whole numbers. */
export function checkRange(name: string, size: number, start: number, end: number): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= size) return;
  throw new UserError(`${name} has ${size} bytes, but bytes ${start} to ${end} were asked for: the file is cut short.`);
}
