import type { EngineError, Progress, RunEvent, RunFields, RunStatus, RunSummary } from '../../engine/api.ts';

/** One phase of the preparation, with when it began and ended; milliseconds. */
export interface PhaseTiming {
  readonly progress: Progress;
  readonly startedAt: number;
  readonly endedAt?: number;
}

export interface Pace {
  readonly step: number;
  readonly totalSteps: number;
  readonly tokensPerSecond: number;
  readonly secondsLeft: number;
}

export interface TextSample {
  readonly step: number;
  readonly prompt: string;
  readonly text: string;
}

/** The run on the Train screen, as its events have told it so far. */
export interface RunProgress {
  readonly status: RunStatus | 'idle';
  readonly message: string;
  /** frozen at Start */
  readonly fields: RunFields;
  readonly phases: readonly PhaseTiming[];
  readonly pace: Pace | null;
  readonly lastLoss: number | null;
  readonly checkpoint: { readonly step: number; readonly at: number; readonly stored: boolean } | null;
  /** of a method that moves ranks: the rank of each module by its path, as the run went on */
  readonly ranks: readonly { readonly step: number; readonly ranks: Readonly<Record<string, number>> }[];
  readonly samples: readonly TextSample[];
  readonly notices: readonly string[];
  /** set when the run has ended well or badly */
  readonly summary: RunSummary | null;
  readonly error: EngineError | null;
}

export const noRun: RunProgress = {
  status: 'idle',
  message: '',
  fields: {},
  phases: [],
  pace: null,
  lastLoss: null,
  checkpoint: null,
  ranks: [],
  samples: [],
  notices: [],
  summary: null,
  error: null,
};

/** The state after one event; `now` in milliseconds. Metric points themselves go to the metric log. */
export function afterEvent(run: RunProgress, event: RunEvent, now: number): RunProgress {
  switch (event.kind) {
    case 'status': {
      const phases = event.status === 'preparing' ? run.phases : closed(run.phases, now);
      return { ...run, status: event.status, message: event.message ?? '', phases };
    }
    case 'progress':
      return { ...run, phases: withProgress(run.phases, event.progress, now) };
    case 'metric':
      return event.point.loss === undefined ? run : { ...run, lastLoss: event.point.loss };
    case 'pace': {
      const { step, totalSteps, tokensPerSecond, secondsLeft } = event;
      return { ...run, pace: { step, totalSteps, tokensPerSecond, secondsLeft } };
    }
    case 'checkpoint':
      return { ...run, checkpoint: { step: event.step, at: now, stored: event.stored } };
    case 'ranks':
      return { ...run, ranks: [...run.ranks, { step: event.step, ranks: event.ranks }] };
    case 'sample':
      return { ...run, samples: [...run.samples, { step: event.step, prompt: event.prompt, text: event.text }] };
    case 'notice':
      return { ...run, notices: [...run.notices, event.message] };
  }
}

function withProgress(phases: readonly PhaseTiming[], progress: Progress, now: number): readonly PhaseTiming[] {
  const isDone = progress.total > 0 && progress.done >= progress.total;
  const index = phases.findIndex((timing) => timing.progress.phase === progress.phase);
  const startedAt = phases[index]?.startedAt ?? now;
  const timing: PhaseTiming = isDone
    ? { progress, startedAt, endedAt: phases[index]?.endedAt ?? now }
    : { progress, startedAt };
  return index < 0 ? [...phases, timing] : phases.with(index, timing);
}

function closed(phases: readonly PhaseTiming[], now: number): readonly PhaseTiming[] {
  return phases.map((timing) => ({ ...timing, endedAt: timing.endedAt ?? now }));
}

/** 0 to 1; 0 while the number of steps is unknown. */
export function shareDone(run: RunProgress): number {
  return run.pace && run.pace.totalSteps > 0 ? Math.min(1, run.pace.step / run.pace.totalSteps) : 0;
}
