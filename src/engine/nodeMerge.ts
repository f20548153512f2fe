import { basename, dirname, join } from 'node:path';
import { realpath } from 'node:fs/promises';
import { UserError } from '../formats/errors.ts';
import { planSafetensors, type TensorSpec } from '../formats/safetensorsWriter.ts';
import type { Checkpoint } from '../models/checkpoint.ts';
import { conv1dWeights } from '../models/conv1d.ts';
import { bitsandbytesConfig } from '../models/quantisedFolder.ts';
import { configForTransformers, withOwnHead } from '../models/writeConfig.ts';
import { transposed } from '../peft/initialize.ts';
import { encodeFloats, type FloatFormatName } from '../quant/encode/floats.ts';
import type { FormatName } from '../quant/format.ts';
import { isClassifier } from '../train/traceLoss.ts';
import { filesBesideWeights, jsonBytes, labelFields } from './besideWeights.ts';
import { lossInWords } from './changeLost.ts';
import type { LoadedModel } from './loadedModel.ts';
import { formatIn, mergedShapes, mergedTensor, mergingOf, type Merging } from './merging.ts';
import { mergedInFormat } from './mergedInFormat.ts';
import type { ModelChoice } from './nodeCommands.ts';
import { claimFolder, refuseToOverwrite, writeFolder } from './nodeFiles.ts';
import { attachAdapterAt, openModelAt, type Say } from './nodeOpen.ts';
import { writePieces, writePlaced } from './nodeWeights.ts';

export interface MergeOptions {
  readonly output: string;
  /** in the format of the base; otherwise quantised weights become F16 */
  readonly requantize: boolean;
}

/**
 * Writes a model with the adapter merged into its weights. A head that was the embedding gets weights of its own where the adapter changes
 * one of the two. Nothing stands under its name before it is complete.
 */
export async function mergeCommand(
  { model: path, quantisation }: ModelChoice,
  adapterPath: string,
  { output, requantize }: MergeOptions,
  say: Say,
): Promise<Record<string, unknown>> {
  const attached = await attachAdapterAt(adapterPath, await openModelAt(path, quantisation));
  const merging = mergingOf(attached);
  const target = targetOf(merging, output, requantize);
  const release = await claimFolder(target.folder);
  try {
    await refuseToOverwrite(target.folder, [path, adapterPath]);
    const write = requantize ? writeInFormat : writeFolderOfFloats;
    const result = await write(merging, attached.model, { ...target, from: path }, say);
    if (merging.untied)
      say('the head has weights of its own now: the adapter changes it or the embedding, which were one');
    return { output, ...result, untied: merging.untied };
  } finally {
    await release();
  }
}

interface Target {
  readonly folder: string;
  /** of the weights */
  readonly file: string;
}

/** A folder; of a GGUF file that stays one the output may be named itself. */
function targetOf({ checkpoint }: Merging, output: string, requantize: boolean): Target {
  if (!requantize || checkpoint.kind === 'folder') return { folder: output, file: 'model.safetensors' };
  if (/\.gguf$/i.test(output)) return { folder: dirname(output), file: basename(output) };
  const [tensor] = checkpoint.tensors.values();
  return { folder: output, file: basename(tensor?.entry.source.name ?? 'model.gguf') };
}

type Write = (
  merging: Merging,
  model: LoadedModel,
  target: Target & { readonly from: string },
  say: Say,
) => Promise<Record<string, unknown>>;

/** Floats in their own type, quantised weights as F16. */
const writeFolderOfFloats: Write = async (merging, model, { folder, file }, say) => {
  const config = withHead(model, configForTransformers(merging.checkpoint, { untied: merging.untied }));
  const { tensors, merged } = await writeFloats(merging, join(folder, file));
  const { files, missing } = await filesBesideWeights(merging.checkpoint);
  files.set('config.json', jsonBytes(config));
  await writeFolder(folder, files);
  if (missing !== undefined) say(`no tokenizer was written: ${missing}`);
  return { tensors, merged, tokenizer: files.has('tokenizer.json') };
};

/** In the format of the base, with what rounding to it takes from the adapter's change. */
const writeInFormat: Write = async (merging, model, { folder, file, from }, say) => {
  const { checkpoint, untied } = merging;
  const path = join(folder, file);
  const target = await realpath(path).catch(() => undefined);
  if (target !== undefined && [await realpath(from), await realpath(join(from, file)).catch(() => '')].includes(target))
    throw new UserError(`--output would write over ${path}, which is read from. Choose another.`);
  const { byteLength, pieces, result, filesBeside } = await mergedInFormat(merging);
  await writePlaced(path, byteLength, pieces);
  const files = await filesBeside();
  const quantised = checkpoint.quantisation && { quantization_config: bitsandbytesConfig(checkpoint.quantisation) };
  const config = { ...(untied ? withOwnHead(checkpoint.config) : checkpoint.config), ...quantised };
  if (checkpoint.kind === 'folder') files.set('config.json', jsonBytes(withHead(model, config)));
  await writeFolder(folder, files);
  const { tensors, merged, formats, lost } = result();
  say(lossInWords(lost, formats));
  return { tensors, merged, tokenizer: model.hasTokenizer, requantized: { formats, ...lost } };
};

/** A config.json that says what the head of a classifier tells apart. */
function withHead(
  { labels, checkpoint: { description } }: LoadedModel,
  config: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (!isClassifier(description)) return config;
  return { ...config, architectures: [description.architecture], ...(labels && labelFields(labels)) };
}

/** Tensor by tensor, so that the model is never whole in memory. */
async function writeFloats(merging: Merging, path: string): Promise<{ tensors: number; merged: number }> {
  const { checkpoint } = merging;
  const shapes = mergedShapes(merging);
  const transposedInFile = conv1dWeights(checkpoint.description);
  const specs = [...shapes].map(([name, shape]): TensorSpec => {
    const dtype = dtypes[floatFormat(formatIn(checkpoint, name))];
    return {
      name,
      shape: transposedInFile.has(name) ? shape.toReversed() : shapeInFile(checkpoint, name, shape),
      dtype,
    };
  });
  const plan = planSafetensors(specs);
  let merged = 0;
  const pieces = async function* () {
    for (const { name } of plan.order) {
      const shape = shapes.get(name) ?? [];
      const { data, changed } = await mergedTensor(merging, name, shape);
      if (changed) merged++;
      const laidOut = transposedInFile.has(name) ? transposed(data, shape) : data;
      yield encodeFloats(floatFormat(formatIn(checkpoint, name)), laidOut, name);
    }
  };
  await writePieces(path, plan.header, pieces());
  return { tensors: specs.length, merged };
}

/** Convolutions and tables lie in a folder under shapes of their own. */
function shapeInFile(checkpoint: Checkpoint, name: string, shape: readonly number[]): readonly number[] {
  const stored = checkpoint.kind === 'folder' ? checkpoint.tensors.get(name) : undefined;
  return stored && !stored.packed ? stored.entry.shape : shape;
}

const dtypes = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const;

function floatFormat(format: FormatName): FloatFormatName {
  return format === 'f32' || format === 'bf16' ? format : 'f16';
}
