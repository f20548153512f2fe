import { isActive } from '../logic/readiness.ts';
import { shareDone } from '../logic/runProgress.ts';
import type { Screen } from '../routing.ts';
import type { StudioState } from '../state/store.ts';

export interface RailState {
  readonly kind: 'empty' | 'busy' | 'ready' | 'error';
  /** said after the screen's name, and shown under it */
  readonly detail: string;
}

/** What the rail says of each screen. */
export function railState(screen: Screen, state: StudioState): RailState {
  switch (screen) {
    case 'model':
      return jobState(state.model.opening, state.model.card?.name, 'None yet');
    case 'data':
      return jobState(state.data.opening, state.data.card?.name, 'None yet');
    case 'method':
      return methodState(state);
    case 'train':
      return trainState(state);
    case 'playground':
      return state.model.card
        ? { kind: 'empty', detail: 'Base and tuned' }
        : { kind: 'empty', detail: 'Needs a model' };
    case 'library':
      return { kind: 'empty', detail: 'Runs and adapters' };
  }
}

function jobState(job: { busy: boolean; error: unknown }, name: string | undefined, none: string): RailState {
  if (job.busy) return { kind: 'busy', detail: 'Opening…' };
  if (job.error) return { kind: 'error', detail: 'Needs attention' };
  return name === undefined ? { kind: 'empty', detail: none } : { kind: 'ready', detail: name };
}

function methodState({ method, model }: StudioState): RailState {
  const chosen = method.methods.find((entry) => entry.peftType === method.peftType);
  if (method.estimateError && model.card) return { kind: 'error', detail: 'Needs attention' };
  return chosen ? { kind: model.card ? 'ready' : 'empty', detail: chosen.name } : { kind: 'empty', detail: 'None yet' };
}

function trainState({ run }: StudioState): RailState {
  if (run.status === 'failed') return { kind: 'error', detail: 'Failed' };
  if (run.status === 'finished') return { kind: 'ready', detail: 'Finished' };
  if (run.status === 'stopped') return { kind: 'ready', detail: 'Stopped' };
  if (!isActive(run.status)) return { kind: 'empty', detail: 'Not started' };
  if (run.status === 'preparing') return { kind: 'busy', detail: 'Preparing…' };
  const percent = `${Math.floor(shareDone(run) * 100)} %`;
  return { kind: 'busy', detail: run.status === 'paused' ? `Paused at ${percent}` : percent };
}
