import type { EncodedRow } from '../data/encodeRow.ts';
import type { LabelMap } from '../data/labels.ts';
import { UserError } from '../formats/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { isClassifier } from '../train/traceLoss.ts';
import { perplexity } from '../train/taskMetricsText.ts';
import { Trainer } from '../train/trainer.ts';
import type { ModelQuality, OnProgress } from './api.ts';
import type { LoadedModel } from './loadedModel.ts';
import { putOnGpu } from './modelOnGpu.ts';
import { batchesInOrder } from './runBatches.ts';
import type { RunDescription } from './runFields.ts';
import { modelForLabels, modelForTask } from './taskModel.ts';

interface HeldOut {
  readonly rows: readonly EncodedRow[];
  /** of a classifier */
  readonly labels: LabelMap | undefined;
}

/**
 * Loss and figures of the untrained model on held-out rows. Throws a UserError where there are none, or where the task's head is one that
 * only training will make; stops between batches at `signal`.
 * @param model on the weights that are to be measured
 */
export async function measureQuality(
  gpu: Gpu,
  model: LoadedModel,
  { task, training }: RunDescription,
  { rows, labels }: HeldOut,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<ModelQuality> {
  if (rows.length === 0)
    throw new UserError('No rows are held out. Hold out a share of them on the Data screen, or open a file of others.');
  const ready = await modelForLabels(await modelForTask(model, task), labels);
  const { description } = ready.checkpoint;
  if (description.freshTensors?.has(`${description.headPath}.weight`))
    throw new UserError(
      'This model has no trained head for these labels yet, so there is nothing to measure before a run has trained one.',
    );
  const onUpload = (done: number, total: number) => onProgress({ phase: 'upload', done, total, unit: 'bytes' });
  const { weights, space, traced } = await putOnGpu(gpu, ready, undefined, { onProgress: onUpload, signal });
  try {
    const trainer = new Trainer(gpu, weights, traced, { parameters: [] }, space, training, 0);
    try {
      const batches = counted(ready, rows, training.batchSize, onProgress, signal);
      const { loss, metrics } = await trainer.evaluate(batches);
      const perplexed = !isClassifier(description) && { perplexity: perplexity(loss) };
      return { task: description.task, loss, ...perplexed, scores: metrics?.scores ?? {}, rows: rows.length };
    } finally {
      trainer.destroy();
    }
  } finally {
    space.destroy();
  }
}

/** The batches in order; tells of each when the next is asked for, which is when it is done. */
async function* counted(
  model: LoadedModel,
  rows: readonly EncodedRow[],
  batchSize: number,
  onProgress: OnProgress,
  signal: AbortSignal,
): ReturnType<typeof batchesInOrder> {
  let done = 0;
  const tell = () => onProgress({ phase: 'measure', done, total: rows.length, unit: 'rows' });
  tell();
  for await (const batch of batchesInOrder(rows, batchSize, model)) {
    signal.throwIfAborted();
    yield batch;
    done = Math.min(rows.length, done + batchSize);
    tell();
  }
}
