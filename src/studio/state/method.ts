import type { EngineError, MemoryEstimate } from '../../engine/api.ts';
import type { Settings } from '../logic/settings.ts';

export interface MethodState extends Settings {
  readonly estimate: MemoryEstimate | null;
  readonly estimateError: EngineError | null;
  readonly estimating: boolean;
  /** what was wrong with an imported run file */
  readonly importError: EngineError | null;
}

export const initialMethod: MethodState = {
  methods: [],
  trainingFields: [],
  peftType: 'LORA',
  overrides: {},
  estimate: null,
  estimateError: null,
  estimating: false,
  importError: null,
};
