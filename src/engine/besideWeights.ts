import type { LabelMap } from '../data/labels.ts';
import type { ByteSource, FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import { stripCommonFolder } from '../formats/fileSet.ts';
import type { Checkpoint } from '../models/checkpoint.ts';
import { configForTransformers, configText } from '../models/writeConfig.ts';
import { tokenizerFromGguf } from '../tokenizer/ggufTokenizer.ts';

/** What a model folder carries along: its tokenizer, its template, how it generates, how its images are prepared. */
const besideWeights = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'tokenizer.model',
  'spiece.model',
  'sentencepiece.bpe.model',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'chat_template.json',
  'preprocessor_config.json',
];

/** Files that a tokenizer can be read from. */
const vocabularies = ['tokenizer.json', 'vocab.txt', 'vocab.json'];

/** Copied from a folder, rebuilt from a GGUF file. `missing` says why there is no tokenizer, where the model is to have one. */
export async function filesBesideWeights({
  files,
  tokenizer,
  description: { image },
}: Checkpoint): Promise<{ files: Map<string, Uint8Array<ArrayBuffer>>; missing?: string }> {
  const written = new Map<string, Uint8Array<ArrayBuffer>>();
  if (tokenizer.kind === 'files') {
    for (const [name, source] of sourcesBesideWeights(files))
      written.set(name, new Uint8Array(await source.read(0, source.size)));
    return image || vocabularies.some((name) => written.has(name))
      ? { files: written }
      : { files: written, missing: 'the model has none' };
  }
  try {
    for (const [name, text] of ggufTokenizerFiles(tokenizer.metadata.all()))
      written.set(name, new TextEncoder().encode(text));
    return { files: written };
  } catch (error) {
    if (error instanceof UserError) return { files: written, missing: error.message };
    throw error;
  }
}

/** Bytes of the files that filesBesideWeights copies from a folder. */
export function bytesBesideWeights({ files }: Pick<Checkpoint, 'files'>): number {
  return sourcesBesideWeights(files).reduce((sum, [, { size }]) => sum + size, 0);
}

function sourcesBesideWeights(files: FileSet): [string, ByteSource][] {
  const folder = stripCommonFolder(files);
  return besideWeights.flatMap((name) => {
    const source = folder.get(name);
    return source ? [[name, source]] : [];
  });
}

function ggufTokenizerFiles(metadata: ReadonlyMap<string, unknown>): [string, string][] {
  const { tokenizerJson, tokenizerConfig, chatTemplate } = tokenizerFromGguf(metadata);
  const json = { version: '1.0', truncation: null, padding: null, ...(tokenizerJson as object) };
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
    ...(tokenizerConfig as object),
    ...(chatTemplate === undefined ? {} : { chat_template: chatTemplate }),
  };
  return [
    ['tokenizer.json', JSON.stringify(json)],
    ['tokenizer_config.json', JSON.stringify(config, null, 2)],
  ];
}

/** All of a model's folder but its weights, which are written in f32. */
export async function filesBesideFloats(
  checkpoint: Checkpoint,
  labels: LabelMap | undefined,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const { quantization_config: _, ...config } = configForTransformers(checkpoint, { untied: false });
  const json = {
    ...config,
    architectures: [checkpoint.description.architecture],
    ['torch_dtype' in config ? 'torch_dtype' : 'dtype']: 'float32',
    ...(labels && labelFields(labels)),
  };
  return (await filesBesideWeights(checkpoint)).files.set('config.json', jsonBytes(json));
}

/** What config.json says of a classifier's labels. */
export function labelFields({
  id2label,
  label2id,
  problemType,
  numLabels,
}: LabelMap): Readonly<Record<string, unknown>> {
  return { id2label, label2id, problem_type: problemType, num_labels: numLabels };
}

/** A config.json. */
export function jsonBytes(config: Readonly<Record<string, unknown>>): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(configText(config));
}
