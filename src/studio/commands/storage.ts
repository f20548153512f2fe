import { patch } from '../state/store.ts';
import { engine } from './engine.ts';

/** Usage figures are a courtesy: a browser that will not tell them is no error. */
export async function refreshStorage(): Promise<void> {
  patch('machine', {
    storage: await engine()
      .describeStorage()
      .catch(() => null),
  });
}
