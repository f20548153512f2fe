import type { EngineError, GenerateResult } from '../../engine/api.ts';

export interface Column {
  readonly status: 'empty' | 'waiting' | 'writing' | 'done' | 'failed';
  readonly text: string;
  readonly result: GenerateResult | null;
  readonly error: EngineError | null;
}

export interface PlaygroundState {
  readonly prompt: string;
  /** the prompt that the columns answer */
  readonly asked: string;
  /** without the chat template */
  readonly raw: boolean;
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  /** null until there is an adapter to choose */
  readonly adapterId: string | null;
  readonly base: Column;
  readonly tuned: Column;
}

export const emptyColumn: Column = { status: 'empty', text: '', result: null, error: null };

export const initialPlayground: PlaygroundState = {
  prompt: '',
  asked: '',
  raw: false,
  maxNewTokens: 128,
  temperature: 0.7,
  topP: 0.95,
  seed: 1,
  adapterId: null,
  base: emptyColumn,
  tuned: emptyColumn,
};
