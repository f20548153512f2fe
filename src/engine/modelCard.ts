import type { FileSet } from '../formats/byteSource.ts';
import { elementCount } from '../formats/tensorEntry.ts';
import type { ModelCard, WeightGroup } from './api.ts';
import type { Checkpoint, CheckpointTensor } from '../models/checkpoint.ts';
import type { ModelDescription, TaskType } from '../models/family.ts';
import { floatFormats } from '../models/quantiseCheckpoint.ts';
import { formatLabel, formatOf } from '../quant/registry.ts';
import { planeBytes } from '../quant/shards.ts';
import { isClassifier } from '../train/traceLoss.ts';
import { modelParameters } from './estimate.ts';
import type { LoadedModel } from './loadedModel.ts';
import { ownLabels } from './taskModel.ts';
import { weightRoles } from './weightRoles.ts';

/** What the Model screen shows, from headers alone. */
export function modelCard(model: LoadedModel, id: string, isStored: boolean): ModelCard {
  const { checkpoint } = model;
  const { description } = checkpoint;
  const bytesByFormat: Record<string, number> = {};
  for (const { entry, format } of checkpoint.tensors.values())
    bytesByFormat[format] = (bytesByFormat[format] ?? 0) + entry.byteLength;
  const { image } = description;
  const needsText = model.hasTokenizer || image ? { works: true } : { works: false, reason: model.whyNoTokenizer };
  const chat =
    model.hasTokenizer && !model.tokenizer.chat
      ? { works: true, reason: 'The model has no chat template: prompts are sent as they are.' }
      : needsText;
  const labels = ownLabels(model);
  return {
    id,
    name: checkpoint.name,
    family: description.modelType,
    architecture: description.architecture,
    parameters: modelParameters(description),
    layers: description.numHiddenLayers,
    hiddenSize: description.hiddenSize,
    contextLength: description.maxPositionEmbeddings,
    vocabSize: description.vocabSize,
    bytesByFormat,
    weights: weightGroups(checkpoint),
    fileBytes: [...checkpoint.files.values()].reduce((sum, file) => sum + file.size, 0),
    tasks: [description.task, ...description.tasks.filter((task) => task !== description.task)],
    suits: whySuited(description, labels),
    labels,
    ...(image && { image: { height: image.height, width: image.width } }),
    hasTokenizer: model.hasTokenizer,
    hasChatTemplate: model.hasTokenizer && model.tokenizer.chat !== undefined,
    tiedEmbeddings: description.tieWordEmbeddings,
    files: filesOf(checkpoint.files),
    abilities: [
      { name: 'train', ...needsText },
      description.stacks
        ? { name: 'rewrite', ...needsText }
        : isClassifier(description)
          ? { name: 'classify', ...needsText }
          : { name: 'chat', ...chat },
      { name: 'export', works: true },
    ],
    targetModules: targetModules(model),
    defaultTargets: Object.fromEntries(
      Object.entries(description.defaultTargets).map(([peftType, { targetModules: names }]) => [peftType, names]),
    ),
    isStored,
  };
}

/** The weights that the model computes with, by role and format. */
export function weightGroups({ description, tensors }: Checkpoint): WeightGroup[] {
  const groups = new Map<string, WeightGroup>();
  for (const [name, role] of weightRoles(description)) {
    const tensor = tensors.get(name);
    if (!tensor) continue; // of a new head
    const key = `${role} ${tensor.format}`;
    const { tensors: count = 0, weights = 0, bytes = 0 } = groups.get(key) ?? {};
    groups.set(key, {
      role,
      format: formatLabel(tensor.format),
      isFloat: floatFormats.includes(tensor.format),
      tensors: count + 1,
      weights: weights + elementCount(tensor.shape),
      bytes: bytes + bytesOf(tensor),
    });
  }
  return [...groups.values()];
}

/** As it lies in the file; what is put together of several tensors as it is put together. */
function bytesOf({ entry, shape, format, packed }: CheckpointTensor): number {
  if (!packed) return entry.byteLength;
  const [rows = 1, columns = 1] = shape;
  return planeBytes(formatOf(format), rows, columns).reduce((sum, bytes) => sum + bytes, 0);
}

/** Why a model is trained for its task unless another is chosen. */
function whySuited({ task, architecture }: ModelDescription, labels: readonly string[]): string {
  const has = labels.length > 0;
  const head = has
    ? `Its own classifier tells ${labels.length} labels apart; for another number of labels a new one is trained.`
    : 'It has no trained classifier yet: a new one is trained with the adapter.';
  const reasons: Readonly<Record<TaskType, string>> = {
    CAUSAL_LM: `${architecture} writes text token by token, so it learns how to go on or how to answer.`,
    SEQ_2_SEQ_LM: `${architecture} reads a source and writes a target, so it learns to rewrite, translate or sum up.`,
    SEQ_CLS: `${architecture} reads a text as a whole, so it learns to sort texts. ${head}`,
    TOKEN_CLS: `${architecture} gives every word a label. ${head}`,
    IMAGE_CLS: `${architecture} reads images in patches, so it learns to sort them. ${head}`,
  };
  return reasons[task];
}

const roles: readonly (readonly [RegExp, string])[] = [
  [/\.gguf$/i, 'weights, tokenizer and settings'],
  [/\.safetensors$/i, 'weights'],
  [/\.index\.json$/i, 'index of the weights'],
  [/(^|\/)config\.json$/, 'architecture'],
  [/generation_config\.json$/, 'generation settings'],
  [/tokenizer\.json$/, 'tokenizer'],
  [/tokenizer_config\.json$|special_tokens_map\.json$/, 'tokenizer settings'],
  [/chat_template\.(jinja|json)$/, 'chat template'],
  [/vocab\.(txt|json)$|merges\.txt$/, 'vocabulary'],
  [/preprocessor_config\.json$/, 'how images are prepared'],
];

function filesOf(files: FileSet): ModelCard['files'] {
  return [...files].map(([path, source]) => ({
    path,
    bytes: source.size,
    role: roles.find(([pattern]) => pattern.test(path))?.[1] ?? 'not used',
  }));
}

function targetModules(model: LoadedModel): ModelCard['targetModules'] {
  const byName = new Map<string, ModelCard['targetModules'][number]>();
  for (const { path, kind, inFeatures, outFeatures } of model.checkpoint.description.modules) {
    if (kind !== 'linear') continue;
    const name = path.split('.').at(-1) ?? path;
    byName.set(name, { name, count: (byName.get(name)?.count ?? 0) + 1, inFeatures, outFeatures });
  }
  return [...byName.values()];
}

/** Elements that a tensor list holds; for an adapter's summary. */
export function countElements(tensors: Iterable<{ readonly shape: readonly number[] }>): number {
  let sum = 0;
  for (const { shape } of tensors) sum += elementCount(shape);
  return sum;
}
