/** A model folder as Hugging Face Transformers saves it: configs, weights in safetensors, tokenizer. */
import type { ByteSource, FileSet } from './byteSource.ts';
import { readJson, readText } from './byteSource.ts';
import { UserError } from './errors.ts';
import { stripCommonFolder } from './fileSet.ts';
import { readSafetensors } from './safetensors.ts';
import type { TensorEntry } from './tensorEntry.ts';

export interface HfTokenizerFiles {
  readonly tokenizerJson?: unknown;
  readonly tokenizerConfig?: unknown;
  readonly specialTokensMap?: unknown;
  /** older files, read where there is no tokenizer.json: BERT's; GPT-2's and RoBERTa's */
  readonly vocabTxt?: string;
  readonly vocabJson?: unknown;
  readonly mergesTxt?: string;
  /** Jinja source, from chat_template.jinja, chat_template.json or tokenizer_config.json, in Transformers' order of precedence */
  readonly chatTemplate?: string;
}

export interface HfFolder {
  readonly config: unknown;
  /** keyed by the names in the files; headers only, no weights have been read */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly tokenizer: HfTokenizerFiles;
  readonly generationConfig?: unknown;
  /** how an image model scales and normalises its input */
  readonly preprocessorConfig?: unknown;
  /** the folder's files by their path in it, for what is copied along when a merged model is written */
  readonly files: FileSet;
}

const WEIGHTS = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
/** AutoGPTQ's own name of it */
const GPTQ_WEIGHTS = /^gptq_model-\d+bit-.*\.safetensors$/;
const SHARD = /^model-\d+-of-(\d+)\.safetensors$/;
const PICKLED = /^(pytorch_model.*\.bin|.*\.pth?|tf_model\.h5|flax_model\.msgpack)$/;

/** Reads configs, tokenizer files and the headers of the weights. Every refusal is a UserError that names the file. */
export async function readHfFolder(dropped: FileSet): Promise<HfFolder> {
  const files = stripCommonFolder(dropped);
  const configFile = files.get('config.json');
  if (!configFile)
    throw new UserError(
      'The folder has no config.json. Choose the folder that holds config.json and model.safetensors.',
    );
  if (files.has('tokenizer.model') && !files.has('tokenizer.json')) {
    throw new UserError(
      'The folder has tokenizer.model but no tokenizer.json, and Graft does not read SentencePiece models. ' +
        'Save the tokenizer with AutoTokenizer.from_pretrained(…).save_pretrained(…) and add the tokenizer.json.',
    );
  }
  const [config, tensors, tokenizer, generationConfig, preprocessorConfig] = await Promise.all([
    readJson(configFile),
    readWeights(files),
    readTokenizerFiles(files),
    optionalJson(files, 'generation_config.json'),
    optionalJson(files, 'preprocessor_config.json'),
  ]);
  return { config, tensors, tokenizer, generationConfig, preprocessorConfig, files };
}

/** The tokenizer's files of a model folder or of an adapter folder, which may carry its own. */
export async function readTokenizerFiles(files: FileSet): Promise<HfTokenizerFiles> {
  const [tokenizerJson, tokenizerConfig, specialTokensMap] = await Promise.all([
    optionalJson(files, 'tokenizer.json'),
    optionalJson(files, 'tokenizer_config.json'),
    optionalJson(files, 'special_tokens_map.json'),
  ]);
  return {
    tokenizerJson,
    tokenizerConfig,
    specialTokensMap,
    chatTemplate: await readChatTemplate(files, tokenizerConfig),
    ...(tokenizerJson === undefined && (await readVocabulary(files))),
  };
}

async function readVocabulary(files: FileSet): Promise<Pick<HfTokenizerFiles, 'vocabTxt' | 'vocabJson' | 'mergesTxt'>> {
  const [vocabTxt, mergesTxt] = [files.get('vocab.txt'), files.get('merges.txt')];
  return {
    ...(vocabTxt && { vocabTxt: await readText(vocabTxt) }),
    ...(mergesTxt && { mergesTxt: await readText(mergesTxt), vocabJson: await optionalJson(files, 'vocab.json') }),
  };
}

async function readWeights(files: FileSet): Promise<ReadonlyMap<string, TensorEntry>> {
  const single = files.get(WEIGHTS) ?? [...files].find(([path]) => GPTQ_WEIGHTS.test(path))?.[1];
  if (single) return (await readSafetensors(single)).tensors;
  const index = files.get(INDEX);
  if (index) return readShards(files, index);
  throw new UserError(whyNoWeights([...files.keys()]));
}

function whyNoWeights(paths: readonly string[]): string {
  const shard = paths.find((path) => SHARD.test(path));
  if (shard) return `The folder has ${shard} but no ${INDEX}. Add the index file, which says what each part holds.`;
  const pickled = paths.find((path) => PICKLED.test(path));
  if (pickled) {
    return `The folder has ${pickled} but no ${WEIGHTS}. Graft reads safetensors only, because pickled files can run code: save the model with safe_serialization=True.`;
  }
  return `The folder has no ${WEIGHTS} and no ${INDEX}. Add the model's weights.`;
}

async function readShards(files: FileSet, index: ByteSource): Promise<ReadonlyMap<string, TensorEntry>> {
  const shardOf = readWeightMap(index, await readJson(index));
  const names = [...new Set(shardOf.values())].sort();
  const missing = names.filter((name) => !files.has(name));
  if (missing.length > 0) {
    throw new UserError(
      `The folder lacks ${missing.join(', ')}, which ${index.name} lists. Download the missing ${missing.length === 1 ? 'file' : 'files'}.`,
    );
  }
  const shards = new Map<string, ReadonlyMap<string, TensorEntry>>();
  for (const name of names) shards.set(name, (await readSafetensors(files.get(name)!)).tensors);
  const tensors = new Map<string, TensorEntry>();
  for (const [tensor, shard] of shardOf) {
    const entry = shards.get(shard)!.get(tensor);
    if (!entry)
      throw new UserError(
        `${index.name} says that ${tensor} is in ${shard}, but it is not. The files belong to different models.`,
      );
    tensors.set(tensor, entry);
  }
  return tensors;
}

/** tensor name → shard file name */
function readWeightMap(index: ByteSource, json: unknown): Map<string, string> {
  const weightMap = typeof json === 'object' && json !== null && 'weight_map' in json ? json.weight_map : undefined;
  const entries = typeof weightMap === 'object' && weightMap !== null ? Object.entries(weightMap) : [];
  if (entries.length === 0 || !entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
    throw new UserError(`${index.name} has no weight_map that says which file holds each tensor. Download it again.`);
  }
  return new Map(entries);
}

async function readChatTemplate(files: FileSet, tokenizerConfig: unknown): Promise<string | undefined> {
  const jinja = files.get('chat_template.jinja');
  if (jinja) return readText(jinja);
  return templateIn(await optionalJson(files, 'chat_template.json')) ?? templateIn(tokenizerConfig);
}

/** `chat_template` is a string, or a list of named ones of which `default` is meant for chat. */
function templateIn(json: unknown): string | undefined {
  const template =
    typeof json === 'object' && json !== null && 'chat_template' in json ? json.chat_template : undefined;
  if (typeof template === 'string') return template;
  if (!Array.isArray(template)) return undefined;
  const named = template as { name?: unknown; template?: unknown }[];
  const chosen = named.find((item) => item.name === 'default')?.template;
  return typeof chosen === 'string' ? chosen : undefined;
}

async function optionalJson(files: FileSet, path: string): Promise<unknown> {
  const source = files.get(path);
  return source ? readJson(source) : undefined;
}
