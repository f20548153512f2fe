import { readJson, type FileSet } from '../formats/byteSource.ts';
import { baseModelOf } from '../formats/adapterContent.ts';
import { isAdapterFolder, readAdapterFolder } from '../formats/adapterFolder.ts';
import type { WeightCatalog } from '../models/builder.ts';
import { catalogFromConfig } from '../models/configCatalog.ts';
import type { ModelDescription } from '../models/family.ts';
import { readQuantisationConfig } from '../models/quantisationConfig.ts';
import { quantiseCatalog } from '../models/quantiseCheckpoint.ts';
import { describeModel } from '../models/registry.ts';
import { methodOfConfig } from '../peft/registry.ts';
import { formatLabel } from '../quant/registry.ts';
import { estimateBytes, modelParameters, parameterCounts, totalBytes } from './estimate.ts';
import { positionsOf } from './loadedModel.ts';
import { stepsOfSomeRun } from './methodFits.ts';
import { at, modelPathOf, openPath, readRunFile } from './nodeFiles.ts';
import { openModelAt } from './nodeOpen.ts';
import { describeRun, withinPositions } from './runFields.ts';
import { peftTaskType } from './preparedRun.ts';
import { modelForTask, type TaskFields } from './taskModel.ts';
import { tokenBucket } from './runBatches.ts';

/** Bytes by category of a run, from configs alone: rows are taken to be max_length long. */
export async function estimateCommand(runFile: string): Promise<Record<string, unknown>> {
  const fields = await readRunFile(runFile);
  const modelPath = modelPathOf(fields);
  const initPath = fields['init_adapter'] ?? fields['adapter_name_or_path'];
  const init =
    typeof initPath === 'string' && initPath !== '' ? await readAdapterFolder(await openPath(initPath)) : undefined;
  const described = describeRun(fields, init?.config);
  const facts = await modelFacts(await openPath(modelPath), modelPath, described.task);
  const { description } = facts;
  const positions = positionsOf(description);
  const { quantisation } = described;
  const catalog = quantisation ? quantiseCatalog(facts.catalog, description, quantisation) : facts.catalog;
  const adapterFacts = {
    description,
    baseModelName: null,
    taskType: peftTaskType(description.task),
    quantisation: init ? undefined : (quantisation ?? null),
    totalSteps: described.training.maxSteps || stepsOfSomeRun,
  };
  const adapter = described.method.attach(described.methodFields, adapterFacts);
  const { image } = description;
  const run = withinPositions(described, image ? Infinity : positions);
  const tokens = image?.positions ?? Math.ceil(run.maxLength / tokenBucket) * tokenBucket;
  const evaluates = (run.fields['val_split_ratio'] as number) > 0 || run.fields['eval_dataset'] !== '';
  const bytes = estimateBytes({
    description,
    catalog,
    adapter,
    settings: run.training,
    tokens,
    decoderTokens: description.traceEncoder ? tokens : undefined,
    labelled: run.training.batchSize * (description.pool ? 1 : tokens),
    evaluates,
    positions,
    quantises: quantisation !== undefined,
    device: { bindingLimit: 2 ** 30, maxBufferSize: 2 ** 30, isSoftware: false },
  });
  const { trainable, total } = parameterCounts(description, adapter);
  return { bytes, total_bytes: totalBytes(bytes), trainable_parameters: trainable, all_parameters: total };
}

/** What a model is, from its config alone where there are no weights: they then count as the config has them. */
async function modelFacts(
  files: FileSet,
  name: string,
  task: TaskFields,
): Promise<{ description: ModelDescription; catalog: WeightCatalog }> {
  const configFile = files.get('config.json');
  const hasWeights = [...files.keys()].some((path) => /\.(safetensors|gguf)$/.test(path));
  if (hasWeights || !configFile) {
    const { checkpoint } = await modelForTask(await openModelAt(name), task);
    return checkpoint;
  }
  const config = (await at(name, readJson(configFile))) as Record<string, unknown>;
  const choice = task.task_type === 'auto' ? undefined : { type: task.task_type };
  const description = await at(
    name,
    Promise.resolve(config).then((json) => describeModel(json, choice)),
  );
  const quantisation = await at(name, readQuantisationConfig(config, files));
  return { description, catalog: catalogFromConfig(config, description, quantisation) };
}

/** What a model or an adapter is: family, shapes, formats, parameters. */
export async function inspectCommand(path: string): Promise<Record<string, unknown>> {
  const files = await openPath(path);
  if (isAdapterFolder(files)) {
    const { config, tensors } = await at(path, readAdapterFolder(files));
    const parameters = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
    return {
      kind: 'adapter',
      peft_type: methodOfConfig(config).peftType,
      base_model: baseModelOf(config) || null,
      parameters,
      tensors: shapesOf(tensors),
    };
  }
  const model = await openModelAt(path);
  const { description, catalog } = model.checkpoint;
  const formats: Record<string, number> = {};
  for (const { format } of catalog.values()) formats[formatLabel(format)] = (formats[formatLabel(format)] ?? 0) + 1;
  return {
    kind: 'model',
    family: description.family,
    model_type: description.modelType,
    architecture: description.architecture,
    parameters: modelParameters(description),
    hidden_size: description.hiddenSize,
    num_hidden_layers: description.numHiddenLayers,
    vocab_size: description.vocabSize,
    max_position_embeddings: description.maxPositionEmbeddings,
    tie_word_embeddings: description.tieWordEmbeddings,
    tensors_by_format: formats,
    tokenizer: model.hasTokenizer ? 'yes' : model.whyNoTokenizer,
    chat_template: model.hasTokenizer && model.tokenizer.chat !== undefined,
  };
}

function shapesOf(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): Record<string, readonly number[]> {
  return Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
}
