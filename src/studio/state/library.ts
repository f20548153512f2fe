import type { AdapterSummary, EngineError, RunSummary } from '../../engine/api.ts';

export interface LibraryState {
  readonly runs: readonly RunSummary[];
  readonly adapters: readonly AdapterSummary[];
  /** thinned losses by run id, loaded when the library opens */
  readonly losses: Readonly<Record<string, readonly number[]>>;
  readonly error: EngineError | null;
}

export const initialLibrary: LibraryState = { runs: [], adapters: [], losses: {}, error: null };
