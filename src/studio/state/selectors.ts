import { useShallow } from 'zustand/react/shallow';
import { runReadiness } from '../logic/readiness.ts';
import type { Readiness } from '../logic/readiness.ts';
import { methodOf } from '../logic/settings.ts';
import { useStudio } from './store.ts';
import type { StudioState } from './store.ts';

/** Whether a run can start, and if not, what is missing. */
export function readinessOf({ machine, model, data, method, run }: StudioState): Readiness {
  const training = model.card?.abilities.find((ability) => ability.name === 'train');
  return runReadiness({
    gpuAvailable: machine.gpu?.available ?? true,
    hasModel: model.card !== null,
    ...(training && !training.works ? { cannotTrain: training.reason ?? 'This model cannot be trained here.' } : {}),
    hasData: data.card !== null,
    hasMethod: methodOf(method) !== undefined,
    estimate: method.estimate,
    estimateError: model.card && data.card ? method.estimateError : null,
    runStatus: run.status,
  });
}

export function useReadiness(): Readiness {
  const [label, kind, screen, note] = useStudio(
    useShallow((state) => {
      const { label, action, note } = readinessOf(state);
      return [label, action.kind, action.kind === 'go' ? action.screen : undefined, note] as const;
    }),
  );
  const action: Readiness['action'] =
    kind === 'go' && screen ? { kind, screen } : kind === 'start' ? { kind } : { kind: 'none' };
  return note === undefined ? { label, action } : { label, action, note };
}
