import { encodeRow, type EncodedRow, type ShownRow } from '../data/encodeRow.ts';
import { UserError } from '../formats/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { hasTargetValues } from '../train/traceLoss.ts';
import type { TrainingSettings } from '../train/settings.ts';
import { Trainer } from '../train/trainer.ts';
import type { LoadedModel } from './loadedModel.ts';
import { putOnGpu } from './modelOnGpu.ts';
import type { AttachedAdapter } from './preparedRun.ts';
import { collateFor } from './runBatches.ts';

/** Nothing is trained: what matters to an evaluation is that rows come one by one. */
const noTraining: TrainingSettings = {
  ...{ batchSize: 1, gradientAccumulationSteps: 1, numTrainEpochs: 1, maxSteps: 0, learningRate: 0 },
  ...{ lrSchedulerType: 'constant', warmupSteps: 0, warmupRatio: 0, weightDecay: 0, maxGradNorm: 0, seed: 0 },
  ...{ shuffle: false, gradientCheckpointing: false, evalSteps: 0, saveSteps: 0, loggingSteps: 1 },
};

/**
 * A classifier's logits of one row: [labels], or for TOKEN_CLS [tokens · labels].
 */
export async function classify(
  gpu: Gpu,
  model: LoadedModel,
  attached: AttachedAdapter | undefined,
  row: EncodedRow,
): Promise<Float32Array> {
  const { weights, space, traced } = await putOnGpu(gpu, model, attached);
  const trainer = new Trainer(gpu, weights, traced, attached?.adapter ?? { parameters: [] }, space, noTraining, 0);
  try {
    let logits = new Float32Array(0);
    await trainer.evaluate([await collateFor(model, [row])], (found) => (logits = Float32Array.from(found)));
    return logits;
  } finally {
    trainer.destroy();
    space.destroy();
  }
}

/**
 * A text with targets that stand for none: only the logits are wanted. Throws a UserError where the text is longer than the model takes,
 * or the model reads images.
 */
export function unlabelledRow({ checkpoint, tokenizer, positions }: LoadedModel, text: string): ShownRow {
  const { description } = checkpoint;
  if (description.image) throw new UserError('This model reads images, not text. Give --image.');
  const place = { unit: 'line', number: 1 } as const;
  const options = { taskType: 'SEQ_CLS', lossOn: 'all', maxLength: Number.MAX_SAFE_INTEGER } as const;
  const { ids, starts, ends } = encodeRow({ kind: 'text', text, place }, tokenizer, options);
  if (ids.length > positions)
    throw new UserError(`The text has ${ids.length} tokens, and the model takes ${positions}. Shorten it.`);
  const labels = new Int32Array(ids.length);
  const row = { ids, labels, cut: false, text, starts, ends };
  if (description.task === 'TOKEN_CLS') return { ...row, target: { kind: 'tokenClasses' } };
  const values = new Float32Array(description.outputSize);
  return { ...row, target: hasTargetValues(description) ? { kind: 'values', values } : { kind: 'class', classId: 0 } };
}
