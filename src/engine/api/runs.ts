/** Runs: what they take, what they tell while they go on, what stays of them. */
import type { Progress } from './machine.ts';

/** A run's fields as design §6 names them (Hugging Face's spelling), the method's fields among them; what the YAML file holds. */
export type RunFields = Readonly<Record<string, unknown>>;

export interface MemoryEstimate {
  /** bytes by category: weights, adapters, gradients, optimizer, activations, inputs, staging */
  readonly bytes: Readonly<Record<string, number>>;
  readonly total: number;
  /** what is thought to be there (WebGPU does not tell), and how that is known */
  readonly available: number | null;
  readonly verdict: 'fits' | 'tight' | 'exceeds' | 'unknown';
  readonly trainableParameters: number;
  readonly totalParameters: number;
  /** size of the adapter file */
  readonly adapterBytes: number;
  /** what plain LoRA would take on the same run; null where the model has nothing to put it on */
  readonly loraTotal: number | null;
  /** one-click remedies, each with the total it would lead to */
  readonly remedies: readonly { readonly label: string; readonly fields: RunFields; readonly total: number }[];
}

export interface MetricPoint {
  readonly step: number;
  readonly epoch: number;
  readonly loss?: number;
  readonly evalLoss?: number;
  /** a classifier's figures by name (accuracy, f1_macro, …); null for one that the rows do not define */
  readonly evalScores?: Readonly<Record<string, number | null>>;
  /** of one class a row: counts by wanted class, then by the one that was guessed */
  readonly confusion?: readonly (readonly number[])[];
  readonly learningRate?: number;
  readonly gradNorm?: number;
  /** a penalty of the method's own, which is not in the loss; where it has one */
  readonly regLoss?: number;
  /** tokens of the rows taken so far, padding not counted, and milliseconds of training so far */
  readonly tokens: number;
  readonly time: number;
}

export type RunStatus = 'preparing' | 'running' | 'paused' | 'finished' | 'stopped' | 'failed' | 'interrupted';

export interface RunSummary {
  readonly id: string;
  readonly name: string;
  readonly status: RunStatus;
  readonly modelName: string;
  readonly dataName: string;
  readonly method: string;
  /** frozen at Start */
  readonly fields: RunFields;
  readonly createdAt: number;
  readonly step: number;
  readonly totalSteps: number;
  readonly lastLoss?: number;
  readonly bestEvalLoss?: number;
  /** step of the last checkpoint that can be resumed from, if any */
  readonly checkpointStep?: number;
  readonly checkpointAt?: number;
  readonly adapterId?: string;
  readonly error?: string;
}

export type RunEvent =
  | { readonly kind: 'status'; readonly status: RunStatus; readonly message?: string }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'metric'; readonly point: MetricPoint }
  | {
      readonly kind: 'pace';
      readonly step: number;
      readonly totalSteps: number;
      readonly tokensPerSecond: number;
      readonly secondsLeft: number;
    }
  /** a method that moves ranks: the rank of each module by its path */
  | { readonly kind: 'ranks'; readonly step: number; readonly ranks: Readonly<Record<string, number>> }
  | { readonly kind: 'checkpoint'; readonly step: number; readonly best: boolean; readonly stored: boolean }
  | { readonly kind: 'sample'; readonly step: number; readonly prompt: string; readonly text: string }
  | { readonly kind: 'notice'; readonly message: string };

export type OnRunEvent = (event: RunEvent) => void;
