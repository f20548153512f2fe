import { UserError } from '../formats/errors.ts';
import { readGguf } from '../formats/gguf.ts';
import { ggufFile } from '../formats/ggufRewriter.ts';
import { readHfFolder } from '../formats/hfFolder.ts';
import { safetensorsFile } from '../formats/safetensorsRewriter.ts';
import { entryOf } from '../formats/storedTensor.ts';
import type { PlacedBytes, WeightFile } from '../formats/weightFile.ts';
import { decodeTensor, tensorOf, type BlockTensor, type CheckpointTensor } from '../models/checkpoint.ts';
import { settingsFiles } from '../models/quantisationConfig.ts';
import { copyOfTensor, isQuantisedOnLoad, rewriteTensor, rewrittenSpecs } from '../models/rewriteTensor.ts';
import { formatLabel } from '../quant/registry.ts';
import { filesBesideWeights } from './besideWeights.ts';
import { ChangeLost, type LossReport } from './changeLost.ts';
import { isFresh, mayChange, mergedShapes, mergedTensor, type Merging } from './merging.ts';

/** A merged model in the format of its base: one file of weights, which is made while it is written. */
export interface MergedInFormat {
  readonly byteLength: number;
  readonly pieces: AsyncGenerator<PlacedBytes>;
  /** Once the pieces are written. */
  result(): MergeResult;
  /** All that goes beside the weights but config.json. */
  filesBeside(): Promise<Map<string, Uint8Array<ArrayBuffer>>>;
}

export interface MergeResult {
  readonly tensors: number;
  /** that the adapter changed */
  readonly merged: number;
  /** what those are rounded to, in words */
  readonly formats: readonly string[];
  readonly lost: LossReport;
}

/** A weight of the merged model. */
interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  /** with the name and the format that it has in the file */
  readonly tensor: CheckpointTensor;
  /** the file has no such tensor yet, or one that does not count */
  readonly isNew: boolean;
}

/**
 * Throws a UserError where the adapter changes nothing, or the format has no place for what it brings. Tensors are read and rounded one
 * at a time.
 */
export async function mergedInFormat(merging: Merging): Promise<MergedInFormat> {
  const { checkpoint } = merging;
  if (checkpoint.kind === 'gguf' && checkpoint.quantisation)
    throw new UserError(
      'load_in_4bit and load_in_8bit: a GGUF file has no place for bitsandbytes weights. Leave them out to keep its own format, or merge without --requantize.',
    );
  const weights = [...mergedShapes(merging)].map(([name, shape]) => weightOf(merging, name, shape));
  if (!weights.some(({ name, isNew }) => isNew || mayChange(merging, name)))
    throw new UserError('The adapter changes none of this model’s weights. Check that it was trained on this model.');
  const touched = weights.filter(
    ({ name, tensor, isNew }) => isNew || isQuantisedOnLoad(tensor) || mayChange(merging, name),
  );
  const file = await (checkpoint.kind === 'gguf' ? openGguf(touched) : openFolder(merging, touched));
  const lost = new ChangeLost();
  const formats = new Set<string>();
  let merged = 0;
  const rewritten = new Set<string>();
  const pieces = async function* (): AsyncGenerator<PlacedBytes> {
    for (const { name, shape, tensor, isNew } of touched) {
      const found = isNew || mayChange(merging, name) ? await mergedTensor(merging, name, shape) : undefined;
      const changed = found?.changed ?? false;
      if (changed) merged++;
      if (!changed && !isNew && !isQuantisedOnLoad(tensor)) continue;
      const made = found && (changed || isNew) ? await rewriteTensor(tensor, found.data) : await copyOfTensor(tensor);
      for (const [part, bytes] of made.parts) {
        rewritten.add(part);
        yield { offset: file.offsetOf(part), bytes };
      }
      if (!changed || !found?.base) continue;
      lost.add(name, found.base, found.data, await decodeTensor(made.tensor));
      if (tensor.format !== 'f32') formats.add(formatLabel(tensor.format));
    }
    yield* file.rest(rewritten);
  };
  return {
    byteLength: file.byteLength,
    pieces: pieces(),
    result: () => ({ tensors: weights.length, merged, formats: [...formats], lost: lost.report() }),
    filesBeside: () => filesBeside(merging),
  };
}

function weightOf({ checkpoint }: Merging, name: string, shape: readonly number[]): Weight {
  const { tieWordEmbeddings, headPath } = checkpoint.description;
  if (isFresh(checkpoint, name)) return { name, shape, tensor: newHead(checkpoint.kind, name, shape), isNew: true };
  const isUntiedHead = tieWordEmbeddings && name === `${headPath}.weight`;
  const tensor = checkpoint.tensors.get(name) ?? tensorOf(checkpoint, name);
  if (!isUntiedHead) return { name, shape, tensor, isNew: false };
  const stored = checkpoint.tensors.get(name);
  const named = checkpoint.kind === 'gguf' ? 'output.weight' : name;
  return { name, shape, tensor: stored ?? { ...tensor, entry: { ...tensor.entry, name: named } }, isNew: true };
}

/** The head of a classifier that the files lack: floats. */
function newHead(kind: 'folder' | 'gguf', name: string, shape: readonly number[]): BlockTensor {
  if (kind === 'gguf')
    throw new UserError(
      `The adapter brings a head of its own (${name}), which a GGUF file has no place for. Merge without --requantize, into a folder.`,
    );
  const zeros = new Uint8Array(4 * shape.reduce((product, size) => product * size, 1));
  const nowhere = { name, shape, format: 'f32', byteOffset: 0, byteLength: 0 } as const;
  const entry = entryOf(
    { ...nowhere, source: { name, size: 0, read: () => Promise.resolve(new Uint8Array()) } },
    zeros,
  );
  return { entry, shape, format: 'f32' };
}

async function openFolder({ checkpoint }: Merging, touched: readonly Weight[]): Promise<WeightFile> {
  const { tensors } = await readHfFolder(checkpoint.files);
  return safetensorsFile(
    tensors,
    touched.flatMap(({ tensor }) => rewrittenSpecs(tensor)),
  );
}

async function openGguf(touched: readonly Weight[]): Promise<WeightFile> {
  const [first] = touched;
  if (!first) throw new Error('nothing is to be written anew');
  const { source } = first.tensor.entry;
  const head = touched.find(({ isNew }) => isNew)?.tensor;
  const added = head && !head.packed ? { ...head.entry, format: head.format } : undefined;
  return ggufFile(source, await readGguf(source), added);
}

async function filesBeside({ checkpoint }: Merging): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  if (checkpoint.tokenizer.kind === 'gguf') return new Map(); // the GGUF file holds its tokenizer
  const { files } = await filesBesideWeights(checkpoint);
  for (const name of settingsFiles) {
    const source = checkpoint.files.get(name);
    if (source) files.set(name, await source.read(0, source.size));
  }
  return files;
}
