import type { SchedulerType } from './schedule.ts';

/** What the trainer needs to know of a run, beside its model, method and data. Names as in the run file, in camel case. */
export interface TrainingSettings {
  readonly batchSize: number;
  readonly gradientAccumulationSteps: number;
  readonly numTrainEpochs: number;
  /** 0: as many as the epochs give */
  readonly maxSteps: number;
  readonly learningRate: number;
  readonly lrSchedulerType: SchedulerType;
  readonly warmupSteps: number;
  readonly warmupRatio: number;
  readonly weightDecay: number;
  /** 0: no clipping */
  readonly maxGradNorm: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly gradientCheckpointing: boolean;
  /** optimizer steps between them; 0: never */
  readonly evalSteps: number;
  readonly saveSteps: number;
  readonly loggingSteps: number;
}

/** Optimizer steps in an epoch: the last group of micro-batches may be short, as in Transformers' Trainer. */
export function stepsPerEpoch(
  rows: number,
  settings: Pick<TrainingSettings, 'batchSize' | 'gradientAccumulationSteps'>,
): number {
  return Math.max(1, Math.ceil(Math.ceil(rows / settings.batchSize) / settings.gradientAccumulationSteps));
}

export function totalSteps(rows: number, settings: TrainingSettings): number {
  return settings.maxSteps > 0 ? settings.maxSteps : Math.ceil(settings.numTrainEpochs * stepsPerEpoch(rows, settings));
}

/** Transformers: warmup_steps where it is given, else the share of all steps, rounded up. */
export function warmupSteps(settings: TrainingSettings, total: number): number {
  return settings.warmupSteps > 0 ? settings.warmupSteps : Math.ceil(total * settings.warmupRatio);
}
