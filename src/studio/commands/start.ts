import { refreshLibrary } from './library.ts';
import { loadForms, loadGpu } from './machine.ts';
import { refreshStoredModels } from './model.ts';
import { offerInterruptedRun } from './run.ts';
import { refreshStorage } from './storage.ts';

/** Asks the engine for everything the first paint shows. */
export async function startStudio(): Promise<void> {
  const asked = [loadGpu(), loadForms(), refreshStorage(), refreshStoredModels(), refreshLibrary()];
  await Promise.all(asked);
  offerInterruptedRun();
}
