import { existsSync, statSync } from 'node:fs';
import { copyFile, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson, type FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import { planSafetensors } from '../formats/safetensorsWriter.ts';
import { readPeftFolder } from '../formats/peftFolder.ts';
import { neededShapes, readDecoded } from '../models/checkpoint.ts';
import type { WeightCatalog } from '../models/builder.ts';
import type { ModelDescription } from '../models/family.ts';
import { describeModel } from '../models/registry.ts';
import { methodOf } from '../peft/registry.ts';
import type { FormatName } from '../quant/format.ts';
import { floatToBfloat, floatToHalf } from '../quant/half.ts';
import { estimateBytes, modelParameters, parameterCounts, totalBytes } from './estimate.ts';
import { openPath, readRunFile } from './nodeFiles.ts';
import { openModelAt } from './nodeCommands.ts';
import { attachAdapter } from './preparedRun.ts';
import { describeRun } from './runFields.ts';
import { tokenBucket } from './trainingRun.ts';

type MergedType = 'F32' | 'F16' | 'BF16';

/** Writes a model folder with the adapter merged into its weights: floats in their own type, quantised weights as F16. */
export async function mergeCommand(
  modelPath: string,
  adapterPath: string,
  output: string,
): Promise<Record<string, unknown>> {
  const model = await openModelAt(modelPath);
  const { adapter, values } = await attachAdapter(model, await openPath(adapterPath));
  const { merge } = methodOf(adapter.peftType);
  if (!merge)
    throw new UserError(`A ${adapter.peftType} adapter cannot be merged into the weights. Use it beside the model.`);
  const { checkpoint } = model;
  const names = [...neededShapes(checkpoint.description).keys()];
  const types = new Map(names.map((name) => [name, mergedType(checkpoint.catalog.get(name)?.format ?? 'f32')]));
  const plan = planSafetensors(
    names.map((name) => ({ name, shape: checkpoint.catalog.get(name)?.shape ?? [], dtype: types.get(name) ?? 'F32' })),
  );
  await mkdir(output, { recursive: true });
  const file = await open(join(output, 'model.safetensors'), 'w');
  let merged = 0;
  try {
    await file.write(plan.header);
    for (const { name } of plan.order) {
      const data = await readDecoded(checkpoint, name);
      const { shape = [], format = 'f32' } = checkpoint.catalog.get(name) ?? {};
      const replaced = adapter.parameters.find((spec) => spec.initial.kind === 'base' && spec.initial.tensor === name);
      const changed =
        (replaced && values.get(replaced.name)) ??
        merge(adapter, values, { name, modulePath: name.replace(/\.(weight|bias)$/, ''), shape, format, data });
      if (changed) merged++;
      await file.write(encoded(changed ?? data, types.get(name) ?? 'F32'));
    }
  } finally {
    await file.close();
  }
  await copyBeside(modelPath, output, checkpoint.config);
  return { output, tensors: names.length, merged };
}

function mergedType(format: FormatName): MergedType {
  return format === 'f32' ? 'F32' : format === 'bf16' ? 'BF16' : 'F16';
}

function encoded(data: Float32Array, type: MergedType): Uint8Array {
  if (type === 'F32') return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const round = type === 'F16' ? floatToHalf : floatToBfloat;
  return new Uint8Array(Uint16Array.from(data, round).buffer);
}

async function copyBeside(modelPath: string, output: string, config: Readonly<Record<string, unknown>>): Promise<void> {
  const file = await open(join(output, 'config.json'), 'w');
  await file.writeFile(JSON.stringify(config, null, 2));
  await file.close();
  if (!statSync(modelPath).isDirectory()) return;
  for (const name of [
    'generation_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'special_tokens_map.json',
    'chat_template.jinja',
  ])
    if (existsSync(join(modelPath, name))) await copyFile(join(modelPath, name), join(output, name));
}

/** Bytes by category of a run, from configs alone: rows are taken to be max_length long. */
export async function estimateCommand(runFile: string): Promise<Record<string, unknown>> {
  const fields = await readRunFile(runFile);
  const files = await openPath(String(fields['model'] ?? fields['model_name_or_path'] ?? ''));
  const { description, catalog } = await modelFacts(files, String(fields['model']));
  const initPath = fields['init_adapter'];
  const init =
    typeof initPath === 'string' && initPath !== '' ? await readPeftFolder(await openPath(initPath)) : undefined;
  const run = describeRun(fields, init?.config);
  const adapter = run.method.attach(run.methodFields, { description, baseModelName: null, taskType: 'CAUSAL_LM' });
  const tokens = Math.ceil(run.maxLength / tokenBucket) * tokenBucket;
  const evaluates = (run.fields['val_split_ratio'] as number) > 0 || run.fields['eval_dataset'] !== '';
  const bytes = estimateBytes({
    description,
    catalog,
    adapter,
    settings: run.training,
    tokens,
    labelled: run.training.batchSize * tokens,
    evaluates,
    positions: Math.min(description.maxPositionEmbeddings, 8192),
    device: { bindingLimit: 2 ** 30, maxBufferSize: 2 ** 30, isSoftware: false },
  });
  const { trainable, total } = parameterCounts(description, adapter);
  return { bytes, total_bytes: totalBytes(bytes), trainable_parameters: trainable, all_parameters: total };
}

/** What a model is, from its config alone where there are no weights: they then count in the config's dtype. */
async function modelFacts(
  files: FileSet,
  name: string,
): Promise<{ description: ModelDescription; catalog: WeightCatalog }> {
  const configFile = files.get('config.json');
  const hasWeights = [...files.keys()].some((path) => /\.(safetensors|gguf)$/.test(path));
  if (hasWeights || !configFile) {
    const { checkpoint } = await openModelAt(name);
    return checkpoint;
  }
  const config = (await readJson(configFile)) as Record<string, unknown>;
  const description = describeModel(config);
  const dtype = String(config['dtype'] ?? config['torch_dtype'] ?? 'float32');
  const format = dtype === 'bfloat16' ? 'bf16' : dtype === 'float16' ? 'f16' : 'f32';
  return {
    description,
    catalog: new Map([...neededShapes(description)].map(([tensor, shape]) => [tensor, { shape, format }])),
  };
}

/** What a model or an adapter is: family, shapes, formats, parameters. */
export async function inspectCommand(path: string): Promise<Record<string, unknown>> {
  const files = await openPath(path);
  if (files.has('adapter_config.json')) {
    const { config, tensors } = await readPeftFolder(files);
    const parameters = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
    return {
      kind: 'adapter',
      peft_type: config['peft_type'],
      base_model: config['base_model_name_or_path'] ?? null,
      parameters,
      tensors: shapesOf(tensors),
    };
  }
  const model = await openModelAt(path);
  const { description, catalog } = model.checkpoint;
  const formats: Record<string, number> = {};
  for (const { format } of catalog.values()) formats[format] = (formats[format] ?? 0) + 1;
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
