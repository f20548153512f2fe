import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../formats/errors.ts';
import { planSafetensors, type TensorSpec } from '../formats/safetensorsWriter.ts';
import { neededShapes, readDecoded, tensorOf, type Checkpoint } from '../models/checkpoint.ts';
import { conv1dWeights } from '../models/conv1d.ts';
import { configForTransformers } from '../models/writeConfig.ts';
import { transposed } from '../peft/initialize.ts';
import type { Adapter, Method } from '../peft/method.ts';
import { methodOf } from '../peft/registry.ts';
import type { FormatName } from '../quant/format.ts';
import { floatToBfloat, floatToHalf } from '../quant/half.ts';
import { filesBesideWeights, jsonBytes } from './besideWeights.ts';
import { claimFolder, writeFolder } from './nodeFiles.ts';
import { writePieces } from './nodeWeights.ts';
import type { ModelChoice } from './nodeCommands.ts';
import { attachAdapterAt, openModelAt, type Say } from './nodeOpen.ts';

type MergedType = 'F32' | 'F16' | 'BF16';

/** An adapter and all that merging asks of it. */
interface Merging {
  readonly checkpoint: Checkpoint;
  readonly adapter: Adapter;
  readonly values: ReadonlyMap<string, Float32Array>;
  readonly merge: NonNullable<Method['merge']>;
}

/**
 * Writes a model folder with the adapter merged into its weights: floats in their own type, quantised weights as F16. A head that was
 * the embedding gets weights of its own where the adapter changes one of the two. Nothing stands under its name before it is complete.
 */
export async function mergeCommand(
  { model: modelPath, quantisation }: ModelChoice,
  adapterPath: string,
  output: string,
  say: Say,
): Promise<Record<string, unknown>> {
  const model = await openModelAt(modelPath, quantisation);
  const { adapter, values } = await attachAdapterAt(adapterPath, model);
  const { merge, whyNoMerge = 'Use it beside the model.' } = methodOf(adapter.peftType);
  if (!merge) throw new UserError(`A ${adapter.peftType} adapter cannot be merged into the weights. ${whyNoMerge}`);
  const { checkpoint } = model;
  const merging = { checkpoint, adapter, values, merge };
  refuseNewBiases(merging);
  const { description } = checkpoint;
  const untied = description.tieWordEmbeddings && changesEmbeddingOrHead(merging);
  const config = configForTransformers(checkpoint, { untied });
  const release = await claimFolder(output);
  try {
    for (const path of [modelPath, adapterPath])
      if ((await realpath(path)) === (await realpath(output)))
        throw new UserError(`--output ${output} is the folder that is read from. Choose another.`);
    const names = [...neededShapes(untied ? { ...description, tieWordEmbeddings: false } : description).keys()];
    const merged = await writeWeights(merging, names, join(output, 'model.safetensors'));
    const { files, missing } = await filesBesideWeights(checkpoint);
    files.set('config.json', jsonBytes(config));
    await writeFolder(output, files);
    if (missing !== undefined) say(`no tokenizer was written: ${missing}`);
    if (untied) say('the head has weights of its own now: the adapter changes it or the embedding, which were one');
    return { output, tensors: names.length, merged, untied, tokenizer: missing === undefined };
  } finally {
    await release();
  }
}

/** One tensor of the merged model, as f32, and whether the adapter changed it. */
async function mergedTensor(merging: Merging, name: string): Promise<{ data: Float32Array; changed: boolean }> {
  const { checkpoint, adapter, values, merge } = merging;
  const replaced = adapter.parameters.find((spec) => spec.initial.kind === 'base' && spec.initial.tensor === name);
  const trained = replaced && values.get(replaced.name);
  const data = trained ?? (await readDecoded(checkpoint, name));
  const { shape, format } = tensorOf(checkpoint, name);
  const modulePath = name.replace(/\.(weight|bias)$/, '');
  const result = merge(adapter, values, { name, modulePath, shape, format, data });
  return { data: result ?? data, changed: (result ?? trained) !== undefined };
}

/** A bias of the adapter's own has nowhere to go in a layer that has none. */
function refuseNewBiases({ checkpoint, adapter, values, merge }: Merging): void {
  for (const { path, kind, hasBias, outFeatures } of checkpoint.description.modules) {
    if (kind !== 'linear' || hasBias) continue;
    const data = new Float32Array(outFeatures);
    const target = { name: `${path}.bias`, modulePath: path, shape: [outFeatures], format: 'f32', data } as const;
    if (merge(adapter, values, target)?.some((value) => value !== 0))
      throw new UserError(
        `The adapter has a bias for ${path} (lora_bias), and that layer has none that it could be merged into. Use the adapter beside the model.`,
      );
  }
}

function changesEmbeddingOrHead({ checkpoint, adapter }: Merging): boolean {
  const { embeddingPath, headPath } = checkpoint.description;
  return adapter.parameters.some(({ name }) => name.includes(`.${embeddingPath}.`) || name.includes(`.${headPath}.`));
}

/** Tensor by tensor, so that the model is never whole in memory. Returns how many the adapter changed. */
async function writeWeights(merging: Merging, names: readonly string[], path: string): Promise<number> {
  const transposedInFile = conv1dWeights(merging.checkpoint.description);
  const specs = names.map((name): TensorSpec & { dtype: MergedType } => {
    const { shape, format } = tensorOf(merging.checkpoint, name);
    return { name, shape: transposedInFile.has(name) ? shape.toReversed() : shape, dtype: mergedType(format) };
  });
  const plan = planSafetensors(specs);
  const written = new Map(specs.map((spec) => [spec.name, spec]));
  let merged = 0;
  const pieces = async function* () {
    for (const { name } of plan.order) {
      const { data, changed } = await mergedTensor(merging, name);
      if (changed) merged++;
      const { shape = [], dtype = 'F32' } = written.get(name) ?? {};
      const laidOut = transposedInFile.has(name) ? transposed(data, shape.toReversed()) : data;
      yield encoded(laidOut, dtype, name);
    }
  };
  await writePieces(path, plan.header, pieces());
  return merged;
}

function mergedType(format: FormatName): MergedType {
  return format === 'f32' ? 'F32' : format === 'bf16' ? 'BF16' : 'F16';
}

/** Throws a UserError where the type cannot hold a number. */
function encoded(data: Float32Array, type: MergedType, name: string): Uint8Array {
  const most = type === 'F16' ? 65504 : Number.MAX_VALUE;
  if (!data.every((value) => Math.abs(value) <= most))
    throw new UserError(
      `${name} would hold numbers that ${type} cannot, so nothing was written. Merge into a model in F32 or BF16.`,
    );
  if (type === 'F32') return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(Uint16Array.from(data, type === 'F16' ? floatToHalf : floatToBfloat).buffer);
}
