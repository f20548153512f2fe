import type { EngineError, GpuReport, StorageReport } from '../../engine/api.ts';

export type Theme = 'auto' | 'light' | 'dark';

/** The machine and the page itself. */
export interface MachineState {
  /** null until the engine has answered */
  readonly gpu: GpuReport | null;
  readonly storage: StorageReport | null;
  /** set when the engine's worker is gone for good */
  readonly lost: EngineError | null;
  readonly theme: Theme;
  readonly helpOpen: boolean;
  /** short notes that go away by themselves */
  readonly toasts: readonly { readonly id: number; readonly text: string; readonly isError: boolean }[];
}

export const initialMachine: MachineState = {
  gpu: null,
  storage: null,
  lost: null,
  theme: 'auto',
  helpOpen: false,
  toasts: [],
};
