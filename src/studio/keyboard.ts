import { useEffect } from 'react';
import { openHelp } from './commands/machine.ts';
import { askPlayground } from './commands/playground.ts';
import { followReadiness } from './commands/readiness.ts';
import { togglePause } from './commands/run.ts';
import { goTo, screenOfHash, screens } from './routing.ts';
import { readinessOf } from './state/selectors.ts';
import { useStudio } from './state/store.ts';

export type Shortcut =
  | { readonly kind: 'screen'; readonly number: number }
  | { readonly kind: 'go' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'help' };

/** What a key press means. Plain keys mean nothing while someone types; Ctrl or Cmd with Enter works everywhere. */
export function shortcutOf(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>,
  typing: boolean,
): Shortcut | undefined {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) return { kind: 'go' };
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return undefined;
  if (/^[1-6]$/.test(event.key)) return { kind: 'screen', number: Number(event.key) };
  if (event.key === 'p' || event.key === 'P') return { kind: 'pause' };
  return event.key === '?' ? { kind: 'help' } : undefined;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  const isText = target instanceof HTMLInputElement && !['checkbox', 'radio', 'range', 'file'].includes(target.type);
  return (
    isText || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable
  );
}

function onKeyDown(event: KeyboardEvent): void {
  if (document.querySelector('dialog[open]')) return;
  const shortcut = shortcutOf(event, isTyping(event.target));
  if (!shortcut) return;
  event.preventDefault();
  if (shortcut.kind === 'screen') goTo(screens[shortcut.number - 1] ?? 'model');
  if (shortcut.kind === 'pause') void togglePause();
  if (shortcut.kind === 'help') openHelp();
  if (shortcut.kind !== 'go') return;
  if (screenOfHash(location.hash) === 'playground') void askPlayground();
  else followReadiness(readinessOf(useStudio.getState()));
}

export function useKeyboard(): void {
  useEffect(() => {
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
}
