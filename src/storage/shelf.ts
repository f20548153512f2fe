import type { ByteSource, FileSet } from '../formats/byteSource.ts';
import { blobSource } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import { Table } from './table.ts';

/** Blobs of at most this size: browsers cap a stored value, and a Blob is kept as a file that is read by slices. */
export const PIECE_BYTES = 64 << 20;

export interface StoredFile {
  /** relative to the folder */
  readonly path: string;
  /** bytes */
  readonly size: number;
}

/** What a shelf knows of a folder without opening it. */
export interface FolderRecord {
  readonly id: string;
  /** what the user calls it; may change */
  readonly name: string;
  /** milliseconds since 1970 */
  readonly createdAt: number;
  /** bytes of all files */
  readonly byteLength: number;
  readonly files: readonly StoredFile[];
}

export interface AddOptions {
  /** called after each piece with the bytes copied so far */
  readonly onProgress?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Folders of files in IndexedDB. A folder's record is written after its last piece, so a copy that broke off is never listed; pieces
 * are written once and never changed (Safari damages a Blob that is saved over itself). Info is what a kind of folder adds to the record.
 */
export class Shelf<Info extends object> {
  private readonly records: Table<FolderRecord & Info>;
  private readonly pieces: Table<Blob>;

  constructor(name: string) {
    this.records = new Table(name);
    this.pieces = new Table(`${name}-pieces`);
  }

  /**
   * Copies the files, piece by piece. Rejects with StorageFull, StorageUnavailable, the source's UserError or the signal's reason,
   * having removed what it had copied. Throws an Error for an id that is taken.
   */
  async add(
    id: string,
    name: string,
    info: Info,
    files: FileSet,
    options: AddOptions = {},
  ): Promise<FolderRecord & Info> {
    if (await this.get(id)) throw new Error(`${id} is on the shelf already`);
    const stored = [...files].map(([path, source]): StoredFile => ({ path, size: source.size }));
    const byteLength = stored.reduce((sum, file) => sum + file.size, 0);
    const record = { ...info, id, name, createdAt: Date.now(), byteLength, files: stored };
    try {
      await this.copyPieces(id, files, options);
      await this.records.set(id, record);
    } catch (error) {
      await this.pieces.deleteAllOf(id).catch(() => undefined); // the first error is the one to report; sweep() removes the rest
      throw error;
    }
    return record;
  }

  get(id: string): Promise<(FolderRecord & Info) | undefined> {
    return this.records.get(id);
  }

  /** Newest first. */
  async list(): Promise<(FolderRecord & Info)[]> {
    return (await this.records.values()).sort((a, b) => b.createdAt - a.createdAt);
  }

  /** The folder's files; nothing is read until a range is. Rejects with a UserError where it is gone or incomplete. */
  async open(id: string): Promise<FileSet> {
    const record = await this.get(id);
    if (!record)
      throw new UserError('This is no longer in the library: it was deleted, or the browser cleared it. Add it again.');
    const files = new Map<string, ByteSource>();
    for (const file of record.files) files.set(file.path, await this.openFile(record, file));
    return files;
  }

  /** Gives the folder another name. */
  async rename(id: string, name: string): Promise<void> {
    await this.records.update(id, (record) => ({ ...record, name }));
  }

  async delete(id: string): Promise<void> {
    await this.records.delete(id);
    await this.pieces.deleteAllOf(id);
  }

  /** Removes pieces of copies that broke off (a closed tab). Call it only while no other tab may be copying. */
  async sweep(): Promise<void> {
    for (const id of await this.pieces.owners()) {
      if (!(await this.get(id))) await this.pieces.deleteAllOf(id);
    }
  }

  private async copyPieces(id: string, files: FileSet, { onProgress, signal }: AddOptions): Promise<void> {
    let copied = 0;
    for (const [path, source] of files) {
      for (let start = 0; start < source.size; start += PIECE_BYTES) {
        signal?.throwIfAborted();
        const bytes = await source.read(start, Math.min(start + PIECE_BYTES, source.size));
        await this.pieces.set([id, path, start / PIECE_BYTES], new Blob([bytes]));
        copied += bytes.byteLength;
        onProgress?.(copied);
      }
    }
  }

  private async openFile(record: FolderRecord, { path, size }: StoredFile): Promise<ByteSource> {
    const blobs: Blob[] = [];
    for (let piece = 0; piece < Math.ceil(size / PIECE_BYTES); piece++) {
      const blob = await this.pieces.get([record.id, path, piece]);
      if (blob) blobs.push(blob);
    }
    const whole = new Blob(blobs); // refers to the stored files; copies nothing
    if (whole.size !== size) {
      throw new UserError(
        `${path} of ${record.name} is incomplete in the library (${whole.size} of ${size} bytes). Delete it there and add it again.`,
      );
    }
    return blobSource(whole, path);
  }
}
