import type { EncodedRow } from '../data/encodeRow.ts';
import type { MemoryEstimate, RunFields } from './api.ts';
import { quantiseCatalog } from '../models/quantiseCheckpoint.ts';
import { readAdapterFolder } from '../formats/adapterFolder.ts';
import type { FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import type { WeightCatalog } from '../models/builder.ts';
import { unreadTensors } from '../models/unreadTensors.ts';
import type { CheckpointFacts } from '../peft/method.ts';
import { methodOf } from '../peft/registry.ts';
import { readFields } from '../peft/schema.ts';
import type { Quantisation } from '../quant/quantise.ts';
import { totalSteps } from '../train/settings.ts';
import { checkpointForRun } from './checkpointForRun.ts';
import { estimateBytes, parameterCounts, totalBytes, type EstimateInput } from './estimate.ts';
import type { LoadedModel } from './loadedModel.ts';
import type { Machine } from './machine.ts';
import { adapterBytes } from './methodFits.ts';
import { splitData, type PreparedData } from './preparedData.ts';
import { peftTaskType } from './preparedRun.ts';
import { fieldsOfQuantisation } from './quantisationFields.ts';
import { describeRun, type RunDescription } from './runFields.ts';
import { largestBatch, tokenBucket } from './runBatches.ts';

/** Bytes of a software GPU's memory that a page may hope for: half of what the browser says the machine has. */
function softwareMemory(): number | null {
  const gigabytes = (globalThis.navigator as { deviceMemory?: number } | undefined)?.deviceMemory;
  return gigabytes === undefined ? null : (gigabytes * 2 ** 30) / 2;
}

interface OpenRows {
  readonly data: PreparedData;
  readonly evaluation?: PreparedData;
}

/**
 * What a run would take, whether it fits, and what would make it fit. Checks the fields against the model on the way.
 * @param initAdapter the adapter that the run continues
 */
export async function estimateRun(
  machine: Machine,
  model: LoadedModel,
  rows: OpenRows,
  fields: RunFields,
  initAdapter?: FileSet,
): Promise<MemoryEstimate> {
  const adapterConfig = initAdapter && (await readAdapterFolder(initAdapter)).config;
  const run = describeRun(fields, adapterConfig);
  const { input, facts, quantisation } = await estimateInput(machine, model, rows, run, adapterConfig);
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
    adapterBytes: adapterBytes(input.adapter, input),
    loraTotal: loraTotal(model, input, facts, quantisation),
    remedies: fits ? [] : remedies(run, rowsOf(rows), input),
  };
}

async function estimateInput(
  machine: Machine,
  model: LoadedModel,
  rows: OpenRows,
  run: RunDescription,
  adapterConfig: Readonly<Record<string, unknown>> | undefined,
): Promise<{ input: EstimateInput; facts: CheckpointFacts; quantisation: Quantisation | undefined }> {
  const { description: device } = await machine.gpu();
  const checkpoint = await checkpointForRun(model, run.task, rows.data.labels, adapterConfig);
  const { description, name, catalog: stored } = checkpoint;
  const wanted = checkpoint.quantisation ? undefined : run.quantisation;
  const quantisation = checkpoint.quantisation ?? wanted;
  const ratio = run.fields['val_split_ratio'] as number;
  const learned = splitData(rows.data, rows.evaluation, ratio, run.training.seed).rows.length;
  const facts: CheckpointFacts = {
    description,
    baseModelName: name,
    taskType: peftTaskType(description.task),
    totalSteps: totalSteps(learned, run.training) || undefined,
    quantisation: adapterConfig ? undefined : (quantisation ?? null),
  };
  const batch = await largestBatch(rowsOf(rows), run.training.batchSize, model);
  const input: EstimateInput = {
    description,
    catalog: wanted ? quantiseCatalog(stored, description, wanted) : stored,
    adapter: run.method.attach(run.methodFields, facts),
    settings: run.training,
    tokens: batch.tokens,
    decoderTokens: batch.decoder?.tokens,
    labelled: batch.targetCount,
    evaluates: rows.evaluation !== undefined || ratio > 0,
    positions: model.positions,
    quantises: quantisation !== undefined,
    device,
  };
  return { input, facts, quantisation };
}

function rowsOf({ data, evaluation }: OpenRows): readonly EncodedRow[] {
  return [...data.rows, ...(evaluation?.rows ?? [])];
}

/** by the weights as the files have them */
const knownLora = new WeakMap<WeightCatalog, Map<string, number | null>>();

/** What plain LoRA takes on the same run, for comparison; null where it has no usual targets on the model. Planned once a shape. */
function loraTotal(
  { checkpoint: { catalog } }: LoadedModel,
  input: EstimateInput,
  facts: CheckpointFacts,
  quantisation: Quantisation | undefined,
): number | null {
  const { description, settings, tokens, decoderTokens, labelled, evaluates } = input;
  const known = knownLora.get(catalog) ?? new Map<string, number | null>();
  knownLora.set(catalog, known);
  const { task, outputSize, problemType } = description;
  const { batchSize, gradientCheckpointing } = settings;
  const shape = [batchSize, gradientCheckpointing, tokens, decoderTokens, labelled, evaluates];
  const key = JSON.stringify([task, outputSize, problemType, quantisation, ...shape]);
  const found = known.get(key);
  const total = found === undefined ? plainLora(input, facts) : found;
  known.set(key, total);
  return total;
}

function plainLora(input: EstimateInput, facts: CheckpointFacts): number | null {
  const lora = methodOf('LORA');
  try {
    const adapter = lora.attach(readFields(lora.fields, {}), facts);
    return totalBytes(estimateBytes({ ...input, adapter }));
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/** In the order in which they cost least: shorter rows, recomputing, smaller batches, rounded weights. */
function remedies(run: RunDescription, rows: readonly EncodedRow[], input: EstimateInput): MemoryEstimate['remedies'] {
  const { batchSize, gradientAccumulationSteps, gradientCheckpointing } = run.training;
  const longest = rows.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  const options: { label: string; fields: RunFields; change: Partial<EstimateInput> }[] = [];
  if (longest > 64) {
    const tokens = Math.ceil(input.tokens / 2 / tokenBucket) * tokenBucket;
    options.push({
      label: `Cut rows at ${tokens} tokens`,
      fields: { max_length: tokens },
      change: {
        tokens,
        decoderTokens: input.decoderTokens && Math.min(tokens, input.decoderTokens),
        labelled: Math.ceil(input.labelled / 2),
      },
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
  const quantised = quantisedCatalog(input);
  if (quantised)
    options.push({
      label: 'Frozen weights in 4 bits (NF4)',
      fields: fieldsOfQuantisation(smallest),
      change: { catalog: quantised, quantises: true },
    });
  return options.map(({ label, fields, change }) => ({
    label,
    fields,
    total: totalBytes(estimateBytes({ ...input, ...change })),
  }));
}

/** What the weights are rounded to where memory is short. */
const smallest: Quantisation = { kind: 'nf4', doubleQuant: true };

/** undefined where the weights are quantised already, cannot be, or are all trained in others' place. */
function quantisedCatalog({ catalog, description, adapter }: EstimateInput): WeightCatalog | undefined {
  const unread = unreadTensors(description, adapter.hooks);
  try {
    const found = quantiseCatalog(catalog, description, smallest);
    return [...found].some(([name, { format }]) => format !== catalog.get(name)?.format && !unread.has(name))
      ? found
      : undefined;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
