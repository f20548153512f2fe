import { UserError } from '../formats/errors.ts';
import { Graph } from '../graph/graph.ts';
import { neededShapes, readDecoded, tensorOf, type Checkpoint } from '../models/checkpoint.ts';
import type { FormatName } from '../quant/format.ts';
import type { Adapter, Method } from '../peft/method.ts';
import { methodOf } from '../peft/registry.ts';
import type { AttachedAdapter } from './preparedRun.ts';

/** An adapter and all that merging asks of it. */
export interface Merging {
  readonly checkpoint: Checkpoint;
  readonly adapter: Adapter;
  readonly values: ReadonlyMap<string, Float32Array>;
  readonly merge: NonNullable<Method['merge']>;
  /** the head was the embedding, and the adapter changes one of the two: in what is written it has weights of its own */
  readonly untied: boolean;
}

export interface MergedTensor {
  /** f32, in the order of the model */
  readonly data: Float32Array;
  /** what the adapter was trained beside; nothing for the tensors of a new head */
  readonly base: Float32Array | undefined;
  readonly changed: boolean;
}

/** Throws a UserError where the method does not merge, or the adapter has a bias that the model has no place for. */
export function mergingOf({ model: { checkpoint }, adapter, values }: Omit<AttachedAdapter, 'folder'>): Merging {
  const { merge, whyNoMerge = 'Use it beside the model.' } = methodOf(adapter.peftType);
  if (!merge) throw new UserError(`A ${adapter.peftType} adapter cannot be merged into the weights. ${whyNoMerge}`);
  const { tieWordEmbeddings, embeddingPath, headPath } = checkpoint.description;
  const untied = tieWordEmbeddings && [embeddingPath, headPath].some((path) => touches(adapter, path));
  const merging = { checkpoint, adapter, values, merge, untied };
  refuseNewBiases(merging);
  return merging;
}

/** The tensors of the merged model and their shapes. */
export function mergedShapes({ checkpoint: { description }, untied }: Merging): Map<string, readonly number[]> {
  return neededShapes(untied ? { ...description, tieWordEmbeddings: false } : description);
}

/** One tensor of the merged model. */
export async function mergedTensor(merging: Merging, name: string, shape: readonly number[]): Promise<MergedTensor> {
  const { checkpoint, adapter, values, merge } = merging;
  const trained = trainedWhole(merging, name);
  const base = isFresh(checkpoint, name) ? undefined : await readDecoded(checkpoint, name);
  const data = trained ?? base;
  if (!data)
    throw new UserError(`The adapter has no ${name}, and neither has the model. Train the head with the adapter.`);
  const format = formatIn(checkpoint, name);
  const result = merge(adapter, values, { name, modulePath: modulePathOf(name), shape, format, data });
  return { data: result ?? data, base, changed: (result ?? trained) !== undefined };
}

/** False where the adapter certainly leaves a tensor as it is. */
export function mayChange(merging: Merging, name: string): boolean {
  return touches(merging.adapter, modulePathOf(name)) || trainedWhole(merging, name) !== undefined;
}

/** True for a tensor of a head that the model's files lack. */
export function isFresh({ description }: Checkpoint, name: string): boolean {
  return description.freshTensors?.has(name) ?? false;
}

/** The format that a tensor has in the checkpoint; a new one is in F32. */
export function formatIn(checkpoint: Checkpoint, name: string): FormatName {
  return isFresh(checkpoint, name) ? 'f32' : tensorOf(checkpoint, name).format;
}

/** The numbers that take the tensor's place, where the adapter trains it whole. */
function trainedWhole({ adapter, values }: Merging, name: string): Float32Array | undefined {
  const origin = adapter.hooks.replaces?.(new Graph(), name)?.origin;
  return origin?.kind === 'parameter' ? values.get(origin.name) : undefined;
}

function touches({ parameters }: Adapter, path: string): boolean {
  return parameters.some(({ name }) => `.${name}.`.includes(`.${path}.`));
}

function modulePathOf(name: string): string {
  return name.replace(/\.(weight|bias)$/, '');
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
