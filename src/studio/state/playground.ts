import type { ClassifyResult, EngineError, GenerateResult, ModelFile } from '../../engine/api.ts';

export interface Column {
  readonly status: 'empty' | 'waiting' | 'writing' | 'done' | 'failed';
  readonly text: string;
  readonly result: GenerateResult | null;
  /** of a classifier */
  readonly classes: ClassifyResult | null;
  readonly error: EngineError | null;
}

export interface PlaygroundState {
  /** null: as the open data and the model suggest */
  readonly mode: 'write' | 'classify' | null;
  /** what a classifier of images is asked about */
  readonly image: ModelFile | null;
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

export const emptyColumn: Column = { status: 'empty', text: '', result: null, classes: null, error: null };

export const initialPlayground: PlaygroundState = {
  mode: null,
  image: null,
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
