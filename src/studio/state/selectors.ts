import { useMemo } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { adviceFor } from '../logic/advice.ts';
import type { Advice } from '../logic/advice.ts';
import { runReadiness } from '../logic/readiness.ts';
import type { Readiness } from '../logic/readiness.ts';
import { recommend } from '../logic/recommendation.ts';
import type { Recommendation } from '../logic/recommendation.ts';
import { composeFields, methodOf, plannedSteps } from '../logic/settings.ts';
import { moduleGroups } from '../logic/targetModules.ts';
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

/** The method to begin with on what is open. */
export function useRecommendation(): Recommendation {
  const model = useStudio((state) => state.model.card);
  const data = useStudio((state) => state.data.card);
  const taskType = useStudio((state) => state.data.options.taskType);
  const { fits, estimate, overrides } = useStudio((state) => state.method);
  return useMemo(() => {
    const task = taskType === 'auto' ? model?.tasks[0] : taskType;
    const isClassifier = task !== undefined && task !== 'CAUSAL_LM' && task !== 'SEQ_2_SEQ_LM';
    const { loraTotal, available } = estimate ?? { loraTotal: null, available: null };
    return recommend({
      parameters: model?.parameters ?? null,
      rows: data?.rows ?? null,
      isClassifier,
      loraShare: loraTotal !== null && available !== null ? loraTotal / available : null,
      recomputes: overrides['gradient_checkpointing'] === true,
      isQuantised: overrides['load_in_4bit'] === true || isMostlyQuantised(model?.bytesByFormat ?? {}),
      fits,
    });
  }, [model, data, taskType, fits, estimate, overrides]);
}

/** What has been measured that bears on the form. */
export function useAdvice(): readonly Advice[] {
  const method = useStudio((state) => state.method);
  const data = useStudio((state) => state.data);
  const modules = useStudio((state) => state.model.card?.targetModules);
  return useMemo(() => {
    const fields = { ...method.continued?.fields, ...composeFields(method, data.options) };
    const advice = adviceFor({
      fields,
      steps: data.card ? plannedSteps(data.card.rows, fields) : null,
      feedForward:
        moduleGroups(modules ?? [])
          .find(({ name }) => name === 'Feed-forward')
          ?.modules.map(({ name }) => name) ?? [],
    });
    // what the continued adapter decides can no longer be set
    const isFixed = (name: string): boolean => name in (method.continued?.fields ?? {});
    return advice.filter(({ apply }) => !Object.keys(apply ?? {}).some(isFixed));
  }, [method, data, modules]);
}

/** Norms and small tables stay floats in quantised files too. */
function isMostlyQuantised(bytesByFormat: Readonly<Record<string, number>>): boolean {
  const bytes = (some: readonly [string, number][]): number => some.reduce((sum, [, size]) => sum + size, 0);
  const all = Object.entries(bytesByFormat);
  return bytes(all.filter(([format]) => !['f32', 'f16', 'bf16'].includes(format))) > bytes(all) / 2;
}
