import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ByteSource, FileSet } from '../formats/byteSource.ts';
import { memorySource } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import { StorageFull, StorageUnavailable } from './errors.ts';
import type { Library } from './library.ts';
import { openLibrary } from './library.ts';
import { PIECE_BYTES } from './shelf.ts';
import { Table } from './table.ts';

let library: Library;
beforeEach(() => {
  vi.restoreAllMocks();
  indexedDB = new IDBFactory();
  library = openLibrary();
});

const model = { origin: 'tiny.gguf', details: { family: 'llama' } };
const files = (...sizes: number[]): FileSet =>
  new Map(sizes.map((size, i) => [`file${i}`, memorySource(new Uint8Array(size).fill(i + 1), `file${i}`)]));

/** A file too large to make: its bytes are counted from 0 to 250 again and again, and only those that are read exist. */
function countingSource(size: number): ByteSource & { largestRead: number } {
  return {
    name: 'large.bin',
    size,
    largestRead: 0,
    async read(start, end) {
      this.largestRead = Math.max(this.largestRead, end - start);
      const bytes = new Uint8Array(end - start);
      for (let i = 0; i < 8 && i < bytes.length; i++) bytes[i] = (start + i) % 251;
      return bytes;
    },
  };
}

/** Makes every write fail as a browser does that has no room. */
function fillQuota(): void {
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
    throw new DOMException('no room', 'QuotaExceededError');
  });
}

describe('models', () => {
  it('are listed newest first and read back by range', async () => {
    const now = vi.spyOn(Date, 'now').mockReturnValue(1000);
    await library.models.add('a', 'Tiny', model, files(10, 0));
    now.mockReturnValue(2000);
    await library.models.add('b', 'Other', model, files(3));
    expect((await library.models.list()).map(({ id, name, byteLength }) => [id, name, byteLength])).toEqual([
      ['b', 'Other', 3],
      ['a', 'Tiny', 10],
    ]);
    const opened = await library.models.open('a');
    expect([...opened.keys()]).toEqual(['file0', 'file1']);
    expect([...(await opened.get('file0')!.read(8, 10))]).toEqual([1, 1]);
    expect(opened.get('file1')!.size).toBe(0);
  });

  it('are copied in pieces and read across their borders', async () => {
    const source = countingSource(PIECE_BYTES + 100);
    const progress: number[] = [];
    await library.models.add('large', 'Large', model, new Map([['large.bin', source]]), {
      onProgress: (bytes) => progress.push(bytes),
    });
    expect(source.largestRead).toBe(PIECE_BYTES);
    expect(progress).toEqual([PIECE_BYTES, PIECE_BYTES + 100]);
    const opened = (await library.models.open('large')).get('large.bin')!;
    expect([...(await opened.read(PIECE_BYTES - 1, PIECE_BYTES + 2))]).toEqual([
      0,
      PIECE_BYTES % 251,
      (PIECE_BYTES + 1) % 251,
    ]);
  });

  it('keep their bytes when they get another name', async () => {
    await library.models.add('a', 'Tiny', model, files(4));
    await library.models.rename('a', 'Mine');
    expect(await library.models.get('a')).toMatchObject({ name: 'Mine', details: { family: 'llama' } });
    expect((await library.models.open('a')).get('file0')!.size).toBe(4);
  });

  it('are refused by a sentence when they are gone or incomplete', async () => {
    await expect(library.models.open('never')).rejects.toThrow(UserError);
    await library.models.add('a', 'Tiny', model, files(4));
    await new Table('graft-models-pieces').delete(['a', 'file0', 0]);
    await expect(library.models.open('a')).rejects.toThrow(
      /file0 of Tiny is incomplete in the library \(0 of 4 bytes\)/,
    );
    await library.models.delete('a');
    expect(await library.models.list()).toEqual([]);
  });

  it('leave nothing behind when the copy is stopped or the source fails', async () => {
    const stop = new AbortController();
    const options = { signal: stop.signal, onProgress: () => stop.abort() };
    await expect(library.models.add('a', 'Tiny', model, files(4, 4), options)).rejects.toThrow(/abort/i);
    const failing: ByteSource = {
      name: 'x',
      size: 4,
      read: () => Promise.reject(new UserError('x can no longer be read')),
    };
    await expect(library.models.add('b', 'Tiny', model, new Map([...files(4), ['x', failing]]))).rejects.toThrow(
      'x can no longer be read',
    );
    expect(await library.models.list()).toEqual([]);
    expect(await new Table('graft-models-pieces').owners()).toEqual([]);
  });

  it('sweeping removes pieces of a copy that broke off and nothing else', async () => {
    await library.models.add('whole', 'Tiny', model, files(4));
    const pieces = new Table<Blob>('graft-models-pieces');
    await pieces.set(['broken', 'file0', 0], new Blob(['x']));
    await library.sweep();
    expect(await pieces.owners()).toEqual(['whole']);
  });

  it('report a full quota by type when the browser aborts the transaction for it', async () => {
    const put = IDBObjectStore.prototype.put;
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, value: unknown, key) {
      const request = put.call(this, value, key);
      this.transaction.abort();
      Object.defineProperty(this.transaction, 'error', { value: new DOMException('no room', 'QuotaExceededError') });
      return request;
    });
    await expect(library.models.add('a', 'Tiny', model, files(4))).rejects.toBeInstanceOf(StorageFull);
  });

  it('report a full quota by type when the request fails', async () => {
    fillQuota();
    const adding = library.models.add('a', 'Tiny', model, files(4));
    await expect(adding).rejects.toBeInstanceOf(StorageFull);
    await expect(adding).rejects.toMatchObject({ name: 'StorageFull' });
  });
});

describe('checkpoints', () => {
  const snapshot = (byte: number): FileSet =>
    new Map([['parameters', memorySource(new Uint8Array([byte]), 'parameters')]]);
  const save = (step: number, evalLoss?: number) =>
    library.checkpoints.save('run', { step, evalLoss, state: { seed: 1 } }, snapshot(step));
  const steps = async () => {
    const { last, best } = await library.checkpoints.find('run');
    return { last: last?.step, best: best?.step };
  };

  it('keep the last and the best and drop the rest with their bytes', async () => {
    expect(await steps()).toEqual({ last: undefined, best: undefined });
    await save(1, 3);
    await save(2, 2);
    await save(3, 2.5);
    await save(4, NaN);
    await save(5);
    expect(await steps()).toEqual({ last: 5, best: 2 });
    expect((await new Table('graft-checkpoints-pieces').owners()).length).toBe(2);
    const { best } = await library.checkpoints.find('run');
    expect(best!.state).toEqual({ seed: 1 });
    expect([...(await (await library.checkpoints.open(best!)).get('parameters')!.read(0, 1))]).toEqual([2]);
  });

  it('the last is the one saved last, also after going back to an earlier step', async () => {
    await save(10);
    await save(4);
    expect((await steps()).last).toBe(4);
  });

  it('the earlier one survives when there is no room for the next', async () => {
    await save(1);
    fillQuota();
    await expect(save(2)).rejects.toBeInstanceOf(StorageFull);
    vi.restoreAllMocks();
    expect(await steps()).toEqual({ last: 1, best: undefined });
    expect((await library.checkpoints.open((await library.checkpoints.find('run')).last!)).size).toBe(1);
  });

  it('of other runs are left alone', async () => {
    await save(1);
    await library.checkpoints.save('other', { step: 9, state: null }, snapshot(9));
    await save(2);
    expect((await library.checkpoints.find('other')).last!.step).toBe(9);
    await library.deleteRun('run');
    expect(await steps()).toEqual({ last: undefined, best: undefined });
    expect((await library.checkpoints.find('other')).last!.step).toBe(9);
  });
});

describe('runs', () => {
  const run = { id: 'run', name: 'First', status: 'running', config: { learning_rate: 1e-4 }, summary: {} } as const;

  it('change their status and keep the rest', async () => {
    const now = vi.spyOn(Date, 'now').mockReturnValue(1000);
    await library.runs.create(run);
    now.mockReturnValue(2000);
    await library.runs.update('run', { status: 'failed', error: 'loss is not finite' });
    expect(await library.runs.get('run')).toEqual({
      ...run,
      status: 'failed',
      error: 'loss is not finite',
      createdAt: 1000,
      updatedAt: 2000,
    });
    expect(await library.runs.update('gone', { status: 'done' })).toBeUndefined();
    expect((await library.runs.list()).length).toBe(1);
  });

  it('keep a log in order, also when batches are appended at once', async () => {
    await Promise.all(
      [0, 1, 2].map((batch) =>
        library.runs.appendLog('run', [
          { step: 2 * batch + 1, loss: 1 },
          { step: 2 * batch + 2, loss: 1 },
        ]),
      ),
    );
    for (let step = 7; step <= 12; step++) await library.runs.appendLog('run', [{ step, loss: 1 }]);
    await library.runs.appendLog('other', [{ step: 99 }]);
    expect((await library.runs.log('run')).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('drop what came after a checkpoint and go on from there', async () => {
    await library.runs.appendLog('run', [{ step: 1 }, { step: 2 }]);
    await library.runs.appendLog('run', [{ step: 3 }]);
    await library.runs.trimLog('run', 1);
    await library.runs.appendLog('run', [{ step: 2, loss: 0.5 }]);
    expect(await library.runs.log('run')).toEqual([{ step: 1 }, { step: 2, loss: 0.5 }]);
  });
});

it('a browser without a working IndexedDB is told apart from a full one', async () => {
  vi.spyOn(indexedDB, 'open').mockImplementation(() => {
    throw new DOMException('denied', 'SecurityError');
  });
  await expect(library.runs.list()).rejects.toBeInstanceOf(StorageUnavailable);
});
