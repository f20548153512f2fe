import type { FileSet } from '../formats/byteSource.ts';
import { elementCount } from '../formats/tensorEntry.ts';
import type { ModelCard } from './api.ts';
import { modelParameters } from './estimate.ts';
import type { LoadedModel } from './loadedModel.ts';

/** What the Model screen shows, from headers alone. */
export function modelCard(model: LoadedModel, id: string, isStored: boolean): ModelCard {
  const { checkpoint } = model;
  const { description } = checkpoint;
  const bytesByFormat: Record<string, number> = {};
  for (const { entry, format } of checkpoint.tensors.values())
    bytesByFormat[format] = (bytesByFormat[format] ?? 0) + entry.byteLength;
  const needsText = model.hasTokenizer ? { works: true } : { works: false, reason: model.whyNoTokenizer };
  const chat =
    model.hasTokenizer && !model.tokenizer.chat
      ? { works: true, reason: 'The model has no chat template: prompts are sent as they are.' }
      : needsText;
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
    fileBytes: [...checkpoint.files.values()].reduce((sum, file) => sum + file.size, 0),
    hasTokenizer: model.hasTokenizer,
    hasChatTemplate: model.hasTokenizer && model.tokenizer.chat !== undefined,
    tiedEmbeddings: description.tieWordEmbeddings,
    files: filesOf(checkpoint.files),
    abilities: [
      { name: 'train', ...needsText },
      { name: 'chat', ...chat },
      { name: 'export', works: true },
    ],
    targetModules: targetModules(model),
    defaultTargets: Object.fromEntries(
      Object.entries(description.defaultTargets).map(([peftType, { targetModules: names }]) => [peftType, names]),
    ),
    isStored,
  };
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

/** The same files have the same id wherever they come from: their names and sizes. */
export function modelIdOf(name: string, files: FileSet): string {
  const bytes = [...files.values()].reduce((sum, file) => sum + file.size, 0);
  return `${name.replace(/[^\w.-]+/g, '_')}-${bytes}`;
}

/** Elements that a tensor list holds; for an adapter's summary. */
export function countElements(tensors: Iterable<{ readonly shape: readonly number[] }>): number {
  let sum = 0;
  for (const { shape } of tensors) sum += elementCount(shape);
  return sum;
}
