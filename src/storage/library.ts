/** The library: everything that Graft keeps in the browser. */
import { Checkpoints } from './checkpoints.ts';
import { Runs } from './runs.ts';
import type { FolderRecord } from './shelf.ts';
import { Shelf } from './shelf.ts';

export interface ModelInfo {
  /** where it came from: a file name, a Hub id, a URL */
  readonly origin: string;
  /** what the list shows without opening it: family, parameters, format; anything that structuredClone copies */
  readonly details: Readonly<Record<string, unknown>>;
}

/** A model as it was dropped: a GGUF file or a Hugging Face folder. */
export type StoredModel = FolderRecord & ModelInfo;

export interface AdapterInfo {
  readonly peftType: string;
  /** the name of the model that it was trained on */
  readonly baseModel: string;
  /** the run that made it, where Graft did */
  readonly runId?: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** An adapter folder, as PEFT would load it. */
export type StoredAdapter = FolderRecord & AdapterInfo;

export interface Library {
  readonly models: Shelf<ModelInfo>;
  readonly adapters: Shelf<AdapterInfo>;
  /** the rows of each run, under the run's id: a resumed run needs the same ones */
  readonly datasets: Shelf<object>;
  readonly checkpoints: Checkpoints;
  readonly runs: Runs;
  /** Removes what closed tabs left half-written. Call it once, after acquireLibraryLock() gave 'held'. */
  sweep(): Promise<void>;
  /** Deletes a run with its log, rows and checkpoints. The adapters that it made stay. */
  deleteRun(id: string): Promise<void>;
}

/** Opens the library; the databases are made when they are first used. `prefix` begins their names. */
export function openLibrary(prefix = 'graft'): Library {
  const models = new Shelf<ModelInfo>(`${prefix}-models`);
  const adapters = new Shelf<AdapterInfo>(`${prefix}-adapters`);
  const datasets = new Shelf<object>(`${prefix}-datasets`);
  const checkpoints = new Checkpoints(`${prefix}-checkpoints`);
  const runs = new Runs(`${prefix}-runs`);
  return {
    models,
    adapters,
    datasets,
    checkpoints,
    runs,
    async sweep() {
      await models.sweep();
      await adapters.sweep();
      await datasets.sweep();
      await checkpoints.sweep();
    },
    async deleteRun(id) {
      await runs.delete(id);
      await datasets.delete(id);
      await checkpoints.deleteRun(id);
    },
  };
}
