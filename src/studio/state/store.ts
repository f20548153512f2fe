import { create } from 'zustand';
import { initialData } from './data.ts';
import type { DataState } from './data.ts';
import { initialLibrary } from './library.ts';
import type { LibraryState } from './library.ts';
import { initialMachine } from './machine.ts';
import type { MachineState } from './machine.ts';
import { initialMethod } from './method.ts';
import type { MethodState } from './method.ts';
import { initialModel } from './model.ts';
import type { ModelState } from './model.ts';
import { initialPlayground } from './playground.ts';
import type { PlaygroundState } from './playground.ts';
import { initialQuantise } from './quantise.ts';
import type { QuantiseState } from './quantise.ts';
import { initialRun } from './run.ts';
import type { RunState } from './run.ts';

/** All that the screens show. Slices hold plain data; the commands (../commands) are what changes them. */
export interface StudioState {
  readonly machine: MachineState;
  readonly model: ModelState;
  readonly quantise: QuantiseState;
  readonly data: DataState;
  readonly method: MethodState;
  readonly run: RunState;
  readonly playground: PlaygroundState;
  readonly library: LibraryState;
}

export const useStudio = create<StudioState>()(() => ({
  machine: initialMachine,
  model: initialModel,
  quantise: initialQuantise,
  data: initialData,
  method: initialMethod,
  run: initialRun,
  playground: initialPlayground,
  library: initialLibrary,
}));

/** Changes some fields of one slice. */
export function patch<Slice extends keyof StudioState>(slice: Slice, change: Partial<StudioState[Slice]>): void {
  useStudio.setState((state) => ({ [slice]: { ...state[slice], ...change } }));
}
