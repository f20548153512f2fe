import type { EncodedRow } from '../data/encodeRow.ts';
import type { MemoryEstimate, RunFields } from './api.ts';
import { quantiseCatalog } from '../models/quantiseCheckpoint.ts';
import { estimateBytes, parameterCounts, totalBytes, type EstimateInput } from './estimate.ts';
import type { LoadedModel } from './loadedModel.ts';
import type { Machine } from './machine.ts';
import type { PreparedData } from './preparedData.ts';
import { describeRun, type RunDescription } from './runFields.ts';
import { largestBatch, tokenBucket } from './trainingRun.ts';

/** Bytes of a software GPU's memory that a page may hope for: half of what the browser says the machine has. */
function softwareMemory(): number | null {
  const gigabytes = (globalThis.navigator as { deviceMemory?: number } | undefined)?.deviceMemory;
  return gigabytes === undefined ? null : (gigabytes * 2 ** 30) / 2;
}

/** What a run would take, whether it fits, and what would make it fit. Checks the fields against the model on the way. */
export async function estimateRun(
  machine: Machine,
  model: LoadedModel,
  { data, evaluation }: { readonly data: PreparedData; readonly evaluation?: PreparedData },
  fields: RunFields,
): Promise<MemoryEstimate> {
  const run = describeRun(fields);
  const rows = [...data.rows, ...(evaluation?.rows ?? [])];
  const input = await estimateInput(machine, model, rows, evaluation !== undefined, run);
  const bytes = estimateBytes(input);
  const total = totalBytes(bytes);
  const { trainable, total: totalParameters } = parameterCounts(input.description, input.adapter);
  const available = input.device.isSoftware ? softwareMemory() : null;
  const fits = available === null ? await machine.holds(total) : total <= available;
  return {
    bytes: { ...bytes },
    total,
    available,
    verdict: !fits ? 'exceeds' : available !== null && total > 0.75 * available ? 'tight' : 'fits',
    trainableParameters: trainable,
    totalParameters,
    adapterBytes: trainable * 4,
    remedies: fits ? [] : remedies(run, rows, input),
  };
}

async function estimateInput(
  machine: Machine,
  model: LoadedModel,
  rows: readonly EncodedRow[],
  hasEvaluation: boolean,
  run: RunDescription,
): Promise<EstimateInput> {
  const { description: device } = await machine.gpu();
  const { description, name, catalog: stored, quantisation } = model.checkpoint;
  const wanted = quantisation ? undefined : run.quantisation;
  const catalog = wanted ? quantiseCatalog(stored, description, wanted) : stored;
  const adapter = run.method.attach(run.methodFields, { description, baseModelName: name, taskType: 'CAUSAL_LM' });
  const batch = await largestBatch(rows, run.training.batchSize, model);
  return {
    description,
    catalog,
    adapter,
    settings: run.training,
    tokens: batch.tokens,
    decoderTokens: batch.decoder?.tokens,
    labelled: batch.targetCount,
    evaluates: hasEvaluation || (run.fields['val_split_ratio'] as number) > 0,
    positions: model.positions,
    device,
  };
}

/** In the order in which they cost least: shorter rows, recomputing, smaller batches. */
function remedies(run: RunDescription, rows: readonly EncodedRow[], input: EstimateInput): MemoryEstimate['remedies'] {
  const { batchSize, gradientAccumulationSteps, gradientCheckpointing } = run.training;
  const longest = rows.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  const options: { label: string; fields: RunFields; change: Partial<EstimateInput> }[] = [];
  if (longest > 64) {
    const tokens = Math.ceil(input.tokens / 2 / tokenBucket) * tokenBucket;
    options.push({
      label: `Cut rows at ${tokens} tokens`,
      fields: { max_length: tokens },
      change: { tokens, labelled: Math.ceil(input.labelled / 2) },
    });
  }
  if (!gradientCheckpointing)
    options.push({
      label: 'Recompute activations',
      fields: { gradient_checkpointing: true },
      change: { settings: { ...run.training, gradientCheckpointing: true } },
    });
  if (batchSize > 1)
    options.push({
      label: 'One row at a time, as many per step',
      fields: { batch_size: 1, gradient_accumulation_steps: batchSize * gradientAccumulationSteps },
      change: { settings: { ...run.training, batchSize: 1 }, labelled: Math.ceil(input.labelled / batchSize) },
    });
  return options.map(({ label, fields, change }) => ({
    label,
    fields,
    total: totalBytes(estimateBytes({ ...input, ...change })),
  }));
}
