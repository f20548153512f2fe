/** How much the browser lets this site store, and whether it may clear it. */

export interface StorageReport {
  /** bytes in use by this site, as the browser estimates them; undefined where it does not say */
  readonly usage?: number;
  /** bytes this site may use in all; null where the browser does not say */
  readonly quota: number | null;
  /** true where the browser has promised not to clear the data by itself */
  readonly persisted: boolean;
}

/** Never rejects: a browser that does not tell gives an empty report. */
export async function storageReport(): Promise<StorageReport> {
  const storage = storageManager();
  const [estimate, persisted] = await Promise.all([
    storage?.estimate?.().catch(() => undefined),
    storage?.persisted?.().catch(() => false),
  ]);
  return { usage: estimate?.usage, quota: estimate?.quota ?? null, persisted: persisted ?? false };
}

/** Asks the browser not to clear the data by itself (some ask the user). Resolves to whether it promised. */
export async function requestPersistence(): Promise<boolean> {
  try {
    return (await storageManager()?.persist?.()) ?? false;
  } catch {
    return false;
  }
}

/** Absent outside secure contexts and in Node; old browsers lack some of its methods. */
function storageManager(): Partial<StorageManager> | undefined {
  return typeof navigator === 'undefined' ? undefined : navigator.storage;
}
