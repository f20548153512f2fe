import { afterEach, beforeEach, expect, it, vi } from 'vitest';

/** A tab has a module of its own; locks and channels are shared by all. */
async function openTab() {
  vi.resetModules();
  return import('./lock.ts');
}

/** A lock manager as the browser has it, for requests with ifAvailable. */
function lockManager() {
  const held = new Set<string>();
  return {
    async request(name: string, _options: LockOptions, callback: (lock: Lock | null) => unknown) {
      if (held.has(name)) return callback(null);
      held.add(name);
      await callback({ name, mode: 'exclusive' });
      held.delete(name);
    },
    closeTab: () => held.clear(),
  };
}

/** Channels that deliver to all others of their name, a turn later. */
function channelClass() {
  const open = new Set<Channel>();
  class Channel {
    onmessage: ((event: { data: unknown }) => void) | null = null;
    constructor(readonly name: string) {
      open.add(this);
    }
    postMessage(data: unknown) {
      for (const other of open)
        if (other !== this) queueMicrotask(() => open.has(other) && other.onmessage?.({ data }));
    }
    close() {
      open.delete(this);
    }
  }
  return { Channel, closeTabs: () => open.clear() };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it('gives the library to one tab, and to the next when that is closed', async () => {
  const locks = lockManager();
  vi.stubGlobal('navigator', { locks });
  const first = await openTab();
  const second = await openTab();
  expect(await first.acquireLibraryLock()).toBe('held');
  expect(await first.acquireLibraryLock()).toBe('held');
  expect(await second.acquireLibraryLock()).toBe('elsewhere');
  locks.closeTab();
  expect(await second.acquireLibraryLock()).toBe('held');
});

it('agrees by messages where the browser has no lock manager', async () => {
  const { Channel, closeTabs } = channelClass();
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('BroadcastChannel', Channel);
  const ask = async () => {
    const answer = (await openTab()).acquireLibraryLock();
    await vi.advanceTimersByTimeAsync(1000);
    return answer;
  };
  expect(await ask()).toBe('held');
  expect(await ask()).toBe('elsewhere');
  expect(await ask()).toBe('elsewhere');
  closeTabs();
  expect(await ask()).toBe('held');
});

it.each([
  ['0-0-0-0-1', '0-0-0-0-2'],
  ['0-0-0-0-2', '0-0-0-0-1'],
] as const)('lets exactly one win of two tabs that ask at once, with ids %s and %s', async (firstId, secondId) => {
  vi.spyOn(crypto, 'randomUUID').mockReturnValueOnce(firstId).mockReturnValueOnce(secondId);
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('BroadcastChannel', channelClass().Channel);
  const [first, second] = [await openTab(), await openTab()];
  const answers = Promise.all([first.acquireLibraryLock(), second.acquireLibraryLock()]);
  await vi.advanceTimersByTimeAsync(1000);
  expect((await answers).sort()).toEqual(['elsewhere', 'held']);
});

it('goes ahead where tabs cannot find each other', async () => {
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('BroadcastChannel', undefined);
  expect(await (await openTab()).acquireLibraryLock()).toBe('held');
});
