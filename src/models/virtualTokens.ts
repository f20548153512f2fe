import type { AdapterHooks } from './hooks.ts';

/** Positions that an adapter's prompt and prefix take in front of each row. */
export function virtualTokens(adapter: Pick<AdapterHooks, 'prompt' | 'prefix'> | undefined): number {
  return (adapter?.prompt?.tokens ?? 0) + (adapter?.prefix?.tokens ?? 0);
}

/** For messages: what the model takes of a row, and why it is no more. */
export function roomBehind(adapter: Pick<AdapterHooks, 'prompt' | 'prefix'> | undefined, positions: number): string {
  const virtual = virtualTokens(adapter);
  const taken = virtual > 0 ? `, of which the adapter's virtual tokens take ${virtual}` : '';
  return `the model takes ${positions}${taken}`;
}
