import type { ModelFile } from '../../engine/api.ts';
import { toEngineError } from '../../engine/client.ts';
import { thinnedIndices } from '../logic/lttb.ts';
import { patch, useStudio } from '../state/store.ts';
import { downloadBlob } from './download.ts';
import { engine, showToast } from './engine.ts';
import { refreshStorage } from './storage.ts';

export async function refreshLibrary(): Promise<void> {
  try {
    const [runs, adapters] = await Promise.all([engine().listRuns(), engine().listAdapters()]);
    patch('library', {
      runs: [...runs].sort((a, b) => b.createdAt - a.createdAt),
      adapters: [...adapters].sort((a, b) => b.createdAt - a.createdAt),
      error: null,
    });
    const { adapterId } = useStudio.getState().playground;
    if (!adapters.some((adapter) => adapter.id === adapterId)) {
      patch('playground', { adapterId: useStudio.getState().library.adapters[0]?.id ?? null });
    }
  } catch (thrown) {
    patch('library', { error: toEngineError(thrown) });
  }
}

const sparklinePoints = 40;

/** Reads the losses of runs whose little line is not there yet. */
export async function loadLosses(): Promise<void> {
  const { runs, losses } = useStudio.getState().library;
  for (const run of runs) {
    if (run.id in losses) continue;
    const points = await engine()
      .runMetrics(run.id)
      .catch(() => []);
    const values = points.flatMap(({ loss }) => (loss !== undefined && Number.isFinite(loss) ? [loss] : []));
    const kept = thinnedIndices(Object.keys(values).map(Number), values, sparklinePoints);
    const line = kept.map((index) => values[index] ?? 0);
    patch('library', { losses: { ...useStudio.getState().library.losses, [run.id]: line } });
  }
}

export async function deleteRun(id: string): Promise<void> {
  await change(() => engine().deleteRun(id));
  if (useStudio.getState().run.interrupted?.id === id) patch('run', { interrupted: null });
}

export function deleteAdapter(id: string): Promise<void> {
  return change(() => engine().deleteAdapter(id));
}

export function importAdapter(files: readonly ModelFile[]): Promise<void> {
  return change(async () => {
    const adapter = await engine().importAdapter(files);
    showToast(`${adapter.name} is in the library.`);
  });
}

async function change(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    showToast(toEngineError(thrown).message, true);
  }
  await Promise.all([refreshLibrary(), refreshStorage()]);
}

export async function downloadAdapter(id: string): Promise<void> {
  try {
    const { name, blob } = await engine().exportAdapter(id);
    downloadBlob(name, blob);
  } catch (thrown) {
    showToast(toEngineError(thrown).message, true);
  }
}
