import { readAdapterFolder, writeAdapterFolder } from '../formats/adapterFolder.ts';
import type { FileSet } from '../formats/byteSource.ts';
import { stripCommonFolder } from '../formats/fileSet.ts';
import { readDecoded } from '../models/checkpoint.ts';
import { updatesOf } from '../peft/algebra/adapterUpdates.ts';
import type { Kept } from '../peft/algebra/leadingSvd.ts';
import type { OnModule } from '../peft/algebra/loraContent.ts';
import { updatesToLora, type Conversion } from '../peft/algebra/toLora.ts';
import { blendAdapters, type BlendOptions } from '../peft/algebra/weightedAdapters.ts';
import type { AdapterContent } from '../peft/method.ts';
import { methodOf } from '../peft/registry.ts';
import type { LoadedModel } from './loadedModel.ts';
import { attachAdapter } from './preparedRun.ts';
import { labelsFile } from './taskModel.ts';

/** An adapter's folder and the weight that it gets in a blend. */
export interface WeightedFolder {
  readonly name: string;
  readonly weight: number;
  readonly files: FileSet;
}

/** One LoRA adapter from several: see blendAdapters. No model is needed. */
export async function blendFolders(
  folders: readonly WeightedFolder[],
  options: BlendOptions,
  onModule?: OnModule,
): Promise<AdapterContent> {
  const read = folders.map(async ({ files, ...named }) => ({ ...named, content: await readAdapterFolder(files) }));
  return blendAdapters(await Promise.all(read), options, onModule);
}

/** A LoRA that does what another adapter does to this model, as nearly as its rank allows: see updatesToLora. */
export async function convertFolder(
  model: LoadedModel,
  files: FileSet,
  kept: Kept,
  onModule?: OnModule,
): Promise<Conversion> {
  const { model: withHead, adapter, values } = await attachAdapter(model, files);
  const { checkpoint } = withHead;
  const { description } = checkpoint;
  const updates = await updatesOf({
    method: methodOf(adapter.peftType),
    adapter,
    values,
    description,
    readBase: (tensor) => readDecoded(checkpoint, tensor),
  });
  const { base_model_name_or_path, task_type, modules_to_save = null } = adapter.config;
  const config = {
    base_model_name_or_path,
    task_type,
    modules_to_save,
    fan_in_fan_out: description.modules.some(({ isConv1d }) => isConv1d),
  };
  const { content, energy } = await updatesToLora(updates.modules, kept, config, onModule);
  return { content: { ...content, tensors: new Map([...content.tensors, ...updates.trainedWhole]) }, energy };
}

/**
 * The new adapter's files by their path in its folder, with the names of the labels that lie beside one of those it was made of.
 * Throws a UserError where a number is not finite.
 */
export async function filesOfContent(
  content: AdapterContent,
  sources: readonly FileSet[],
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = writeAdapterFolder(content);
  const labels = sources.map((source) => stripCommonFolder(source).get(labelsFile)).find((file) => file !== undefined);
  if (labels) files.set(labelsFile, await labels.read(0, labels.size));
  return files;
}
