import type { EngineError, MemoryEstimate, RunStatus } from '../../engine/api.ts';
import type { Screen } from '../routing.ts';

export interface ReadinessInput {
  readonly gpuAvailable: boolean;
  readonly hasModel: boolean;
  /** why the model cannot be trained; undefined where it can */
  readonly cannotTrain?: string;
  readonly hasData: boolean;
  readonly hasMethod: boolean;
  readonly estimate: MemoryEstimate | null;
  readonly estimateError: EngineError | null;
  readonly runStatus: RunStatus | 'idle';
}

/** What the one button of the Run card says and does. */
export interface Readiness {
  readonly label: string;
  readonly action:
    { readonly kind: 'start' } | { readonly kind: 'go'; readonly screen: Screen } | { readonly kind: 'none' };
  /** one sentence under the button, where there is something to say */
  readonly note?: string;
}

export function runReadiness(input: ReadinessInput): Readiness {
  if (isActive(input.runStatus)) return { label: 'Show the run', action: { kind: 'go', screen: 'train' } };
  if (!input.gpuAvailable) return { label: 'No GPU to train on', action: { kind: 'none' } };
  if (!input.hasModel) return { label: 'Choose a model', action: { kind: 'go', screen: 'model' } };
  if (input.cannotTrain !== undefined) {
    return { label: 'Choose another model', action: { kind: 'go', screen: 'model' }, note: input.cannotTrain };
  }
  if (!input.hasData) return { label: 'Choose a data set', action: { kind: 'go', screen: 'data' } };
  if (!input.hasMethod) return { label: 'Choose a method', action: { kind: 'go', screen: 'method' } };
  if (input.estimateError) {
    return { label: 'Correct a setting', action: { kind: 'go', screen: 'method' }, note: input.estimateError.message };
  }
  if (input.estimate?.verdict === 'exceeds') {
    return {
      label: 'Start anyway',
      action: { kind: 'start' },
      note: 'This run probably needs more memory than the GPU has.',
    };
  }
  return { label: 'Start training', action: { kind: 'start' } };
}

/** A run that holds the GPU: settings are frozen and leaving the page would cut it off. */
export function isActive(status: RunStatus | 'idle'): boolean {
  return status === 'preparing' || status === 'running' || status === 'paused';
}
