import { useSyncExternalStore } from 'react';

export const screens = ['model', 'data', 'method', 'train', 'playground', 'library'] as const;
export type Screen = (typeof screens)[number];

/** '#/data' → 'data'; anything unknown leads to the first screen. */
export function screenOfHash(hash: string): Screen {
  const name = hash.replace(/^#\/?/, '');
  return screens.find((screen) => screen === name) ?? 'model';
}

export function goTo(screen: Screen): void {
  location.hash = `/${screen}`;
}

function subscribe(onChange: () => void): () => void {
  addEventListener('hashchange', onChange);
  return () => removeEventListener('hashchange', onChange);
}

export function useScreen(): Screen {
  return useSyncExternalStore(subscribe, () => screenOfHash(location.hash));
}
