import type { EngineError, MemoryEstimate, MethodFit } from '../../engine/api.ts';
import type { Settings } from '../logic/settings.ts';

export interface MethodState extends Settings {
  readonly estimate: MemoryEstimate | null;
  readonly estimateError: EngineError | null;
  readonly estimating: boolean;
  /** each method on the open model; empty while none is open */
  readonly fits: readonly MethodFit[];
  /** what a run takes by method, as a multiple of plain LoRA's memory, where it is known; for the runs of `memoryKey` */
  readonly memory: Readonly<Record<string, number>>;
  readonly memoryKey: string;
  /** what was wrong with an imported run file */
  readonly importError: EngineError | null;
}

export const initialMethod: MethodState = {
  methods: [],
  trainingFields: [],
  peftType: 'LORA',
  overrides: {},
  shelved: {},
  continued: null,
  estimate: null,
  estimateError: null,
  estimating: false,
  fits: [],
  memory: {},
  memoryKey: '',
  importError: null,
};
