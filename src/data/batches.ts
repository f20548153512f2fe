import { permutation } from './randomNumbers.ts';

export interface BatchOptions {
  /** rows of the data set, at least 1 */
  readonly rows: number;
  /** rows of a micro-batch */
  readonly batchSize: number;
  /** micro-batches of an optimizer step */
  readonly gradientAccumulationSteps: number;
  /** a new order each epoch; else file order */
  readonly shuffle: boolean;
  readonly seed: number;
}

/** Which rows each optimizer step takes: a function of the options and the step's number alone, so a run resumes anywhere. */
export interface BatchPlan {
  /** optimizer steps of an epoch */
  readonly stepsPerEpoch: number;
  /** Row indices of each micro-batch of optimizer step `step`, counted from 0 through all epochs. */
  microBatches(step: number): number[][];
}

/**
 * As Transformers' Trainer does it: the last micro-batch of an epoch may hold fewer rows, and the last step of an epoch
 * fewer micro-batches; no step reaches over the end of an epoch.
 */
export function planBatches(options: BatchOptions): BatchPlan {
  const { rows, batchSize, gradientAccumulationSteps } = options;
  const batchesPerEpoch = Math.ceil(rows / batchSize);
  const stepsPerEpoch = Math.ceil(batchesPerEpoch / gradientAccumulationSteps);
  let drawn: { epoch: number; order: Uint32Array } | undefined;

  const rowAt = (epoch: number, place: number): number => {
    if (!options.shuffle) return place;
    if (drawn?.epoch !== epoch) drawn = { epoch, order: permutation(rows, options.seed, epoch) };
    return drawn.order[place]!;
  };

  return {
    stepsPerEpoch,
    microBatches(step) {
      const epoch = Math.floor(step / stepsPerEpoch);
      const firstBatch = (step % stepsPerEpoch) * gradientAccumulationSteps;
      const lastBatch = Math.min(batchesPerEpoch, firstBatch + gradientAccumulationSteps);
      return Array.from({ length: lastBatch - firstBatch }, (_, batch) => {
        const start = (firstBatch + batch) * batchSize;
        return Array.from({ length: Math.min(batchSize, rows - start) }, (_, row) => rowAt(epoch, start + row));
      });
    },
  };
}
