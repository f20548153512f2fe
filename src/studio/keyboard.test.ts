// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { shortcutOf } from './keyboard.ts';

const press = (key: string, held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey', boolean>> = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...held,
});

describe('shortcutOf', () => {
  it('opens screens by number', () => {
    expect(shortcutOf(press('3'), false)).toEqual({ kind: 'screen', number: 3 });
    expect(shortcutOf(press('7'), false)).toBeUndefined();
  });

  it('leaves plain keys to whoever types, and browser shortcuts to the browser', () => {
    expect(shortcutOf(press('p'), true)).toBeUndefined();
    expect(shortcutOf(press('p', { metaKey: true }), false)).toBeUndefined();
    expect(shortcutOf(press('1', { ctrlKey: true }), false)).toBeUndefined();
  });

  it('starts with Ctrl or Cmd and Enter, also from a text', () => {
    expect(shortcutOf(press('Enter', { ctrlKey: true }), true)).toEqual({ kind: 'go' });
    expect(shortcutOf(press('Enter', { metaKey: true }), false)).toEqual({ kind: 'go' });
    expect(shortcutOf(press('Enter'), false)).toBeUndefined();
  });
});
