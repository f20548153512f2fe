import type { EngineErrorCode } from '../../engine/api.ts';

const titles: Readonly<Record<EngineErrorCode, string>> = {
  'bad-input': 'This cannot be used as it is',
  'no-gpu': 'There is no GPU to work with',
  'out-of-memory': 'The GPU is out of memory',
  'device-lost': 'The GPU went away',
  diverged: 'The loss is no longer a number',
  'storage-full': 'The browser has no room left',
  cancelled: 'Stopped',
  internal: 'Something inside Graft went wrong',
};

export function errorTitle(code: EngineErrorCode): string {
  return titles[code];
}

const remedies: Partial<Record<EngineErrorCode, string>> = {
  'out-of-memory':
    'Shorten the maximum length, take a smaller batch, or switch gradient checkpointing on; then start again.',
  'device-lost': 'This happens when the driver resets or the computer sleeps. Resume from the last checkpoint.',
  diverged: 'A lower learning rate usually cures it. Gradient clipping helps too.',
  'storage-full': 'Delete models or runs that you no longer need in the Library.',
};

/** What to do after a run failed in this way, where there is more to say than the engine's message. */
export function errorRemedy(code: EngineErrorCode): string | undefined {
  return remedies[code];
}

/** The form field that an engine message speaks of, if it names one as a whole word. The longest name wins: 'r' is in many. */
export function fieldNamedIn(message: string, names: readonly string[]): string | undefined {
  const words = new Set(message.match(/[A-Za-z_][A-Za-z0-9_]*/g) ?? []);
  return names.filter((name) => words.has(name)).sort((a, b) => b.length - a.length)[0];
}
