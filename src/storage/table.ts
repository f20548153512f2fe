import type { UseStore } from 'idb-keyval';
import { createStore, promisifyRequest } from 'idb-keyval';
import { guarded } from './errors.ts';

/** A string, or a path of parts whose first says what owns the value. */
export type Key = string | readonly [owner: string, ...rest: (string | number)[]];

/** One IndexedDB object store with values of one type. Every method rejects with StorageFull or StorageUnavailable. */
export class Table<T> {
  private readonly store: UseStore;

  /** Opens (and if need be makes) the database of that name at the first operation. */
  constructor(databaseName: string) {
    this.store = createStore(databaseName, 'values');
  }

  get(key: Key): Promise<T | undefined> {
    return guarded(() => this.store('readonly', (store) => promisifyRequest<T | undefined>(store.get(toDbKey(key)))));
  }

  values(): Promise<T[]> {
    return guarded(() => this.store('readonly', (store) => promisifyRequest<T[]>(store.getAll())));
  }

  /** The values whose keys begin with `owner`, in the order of their keys. */
  valuesOf(owner: string): Promise<T[]> {
    return guarded(() => this.store('readonly', (store) => promisifyRequest<T[]>(store.getAll(keysOf(owner)))));
  }

  /** The owners of the values that have one. */
  async owners(): Promise<string[]> {
    const keys = await guarded(() => this.store('readonly', (store) => promisifyRequest(store.getAllKeys())));
    return [...new Set(keys.flatMap((key) => (Array.isArray(key) ? [key[0] as string] : [])))];
  }

  set(key: Key, value: T): Promise<void> {
    return guarded(() =>
      this.store('readwrite', async (store) => {
        await written(store, store.put(value, toDbKey(key)));
      }),
    );
  }

  /** Replaces a value by what `change` makes of it, in one transaction. Resolves to the new value, or undefined where there was none. */
  update(key: Key, change: (value: T) => T): Promise<T | undefined> {
    return guarded(() =>
      this.store('readwrite', async (store) => {
        const old = await promisifyRequest<T | undefined>(store.get(toDbKey(key)));
        if (old === undefined) return undefined;
        const changed = change(old);
        await written(store, store.put(changed, toDbKey(key)));
        return changed;
      }),
    );
  }

  /** Puts a value under [owner, n], n being one more than the largest there is. */
  append(owner: string, value: T): Promise<void> {
    return guarded(() =>
      this.store('readwrite', async (store) => {
        const last = await promisifyRequest<IDBCursor | null>(store.openKeyCursor(keysOf(owner), 'prev'));
        const next = last ? (last.key as [string, number])[1] + 1 : 0;
        await written(store, store.put(value, [owner, next]));
      }),
    );
  }

  /** Replaces all values of an owner by one, in one transaction. */
  replaceAllOf(owner: string, value: T): Promise<void> {
    return guarded(() =>
      this.store('readwrite', async (store) => {
        store.delete(keysOf(owner));
        await written(store, store.put(value, [owner, 0]));
      }),
    );
  }

  delete(key: Key): Promise<void> {
    return this.remove(() => toDbKey(key));
  }

  deleteAllOf(owner: string): Promise<void> {
    return this.remove(() => keysOf(owner));
  }

  private remove(query: () => IDBValidKey | IDBKeyRange): Promise<void> {
    return guarded(() =>
      this.store('readwrite', (store) => {
        store.delete(query());
        return promisifyRequest(store.transaction);
      }),
    );
  }
}

function toDbKey(key: Key): IDBValidKey {
  return typeof key === 'string' ? key : [...key];
}

/** Keys [owner, …]: an array sorts after every string and number, so [owner, []] is beyond them. */
function keysOf(owner: string): IDBKeyRange {
  return IDBKeyRange.bound([owner], [owner, []]);
}

/**
 * Waits until a write is on disk. Browsers report a full quota in two ways: at the request, or by aborting the transaction, and then
 * the request knows only that it was aborted.
 */
async function written(store: IDBObjectStore, request: IDBRequest): Promise<void> {
  try {
    await promisifyRequest(request);
  } catch (error) {
    throw store.transaction.error ?? error;
  }
  await promisifyRequest(store.transaction);
}
