import { toEngineError } from '../../engine/client.ts';
import type { Theme } from '../state/machine.ts';
import { patch, useStudio } from '../state/store.ts';
import { engine } from './engine.ts';

export async function loadGpu(): Promise<void> {
  try {
    patch('machine', { gpu: await engine().describeGpu() });
  } catch (thrown) {
    const { message } = toEngineError(thrown);
    const none = { name: '', isSoftware: false, hasF16: false, hasSubgroups: false, maxBufferSize: 0, bindingLimit: 0 };
    patch('machine', { gpu: { ...none, available: false, reasons: [message] } });
  }
}

export async function loadForms(): Promise<void> {
  try {
    const [methods, trainingFields] = await Promise.all([engine().methods(), engine().trainingFields()]);
    const { peftType } = useStudio.getState().method;
    const isKnown = methods.some((method) => method.peftType === peftType);
    patch('method', { methods, trainingFields, peftType: isKnown ? peftType : (methods[0]?.peftType ?? peftType) });
  } catch (thrown) {
    patch('method', { estimateError: toEngineError(thrown) });
  }
}

const themeKey = 'graft.theme';
const themes: readonly Theme[] = ['auto', 'light', 'dark'];

export function restoreTheme(): void {
  const saved = localStorage.getItem(themeKey);
  applyTheme(themes.find((theme) => theme === saved) ?? 'auto');
}

export function switchTheme(): void {
  const { theme } = useStudio.getState().machine;
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'auto';
  localStorage.setItem(themeKey, next);
  applyTheme(next);
}

function applyTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
  patch('machine', { theme });
}

export function openHelp(): void {
  patch('machine', { helpOpen: true });
}

export function closeHelp(): void {
  patch('machine', { helpOpen: false });
}
