import { afterEach, expect, it, vi } from 'vitest';
import { requestPersistence, storageReport } from './quota.ts';

afterEach(() => vi.unstubAllGlobals());

it('reports what the browser says', async () => {
  const storage = {
    estimate: async () => ({ usage: 3, quota: 10 }),
    persisted: async () => true,
    persist: async () => true,
  };
  vi.stubGlobal('navigator', { storage });
  expect(await storageReport()).toEqual({ usage: 3, quota: 10, persisted: true });
  expect(await requestPersistence()).toBe(true);
});

it.each([
  ['no storage manager', {}],
  ['one without methods', { storage: {} }],
  [
    'one that refuses',
    {
      storage: {
        estimate: () => Promise.reject(new Error()),
        persisted: () => Promise.reject(new Error()),
        persist: () => Promise.reject(new Error()),
      },
    },
  ],
])('gives an empty report with %s', async (_, navigator) => {
  vi.stubGlobal('navigator', navigator);
  expect(await storageReport()).toEqual({ usage: undefined, quota: null, persisted: false });
  expect(await requestPersistence()).toBe(false);
});
