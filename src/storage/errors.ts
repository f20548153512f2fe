/**
 * What can go wrong with the browser's storage. Neither ends a run: the caller goes on from memory and tells the user, who can
 * still download what was made. Recognise them by `name`, which survives a worker boundary.
 */

/** The browser's quota for this site, or the disk, is full. Nothing of what was being saved remains. */
export class StorageFull extends Error {
  override readonly name = 'StorageFull';
}

/** There is no IndexedDB that works: a private window, storage blocked by settings, or a damaged profile. */
export class StorageUnavailable extends Error {
  override readonly name = 'StorageUnavailable';
}

/** Runs a database operation and turns whatever it throws into one of the two errors above. */
export async function guarded<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    if (isQuotaError(cause)) {
      throw new StorageFull(
        'The browser has no room left for this site. Delete models or runs in the library, or go on without saving.',
        { cause },
      );
    }
    throw new StorageUnavailable(
      'The browser does not let this page store data, as in some private windows. Work can go on, but download what you want to keep.',
      { cause },
    );
  }
}

function isQuotaError(error: unknown): boolean {
  // the second is Firefox's name for a full disk
  return error instanceof Error && (error.name === 'QuotaExceededError' || error.name === 'NS_ERROR_DOM_QUOTA_REACHED');
}
