import { describe, expect, it } from 'vitest';
import type { FileSet } from './byteSource.ts';
import { memorySource } from './byteSource.ts';
import { UserError } from './errors.ts';
import { stripCommonFolder } from './fileSet.ts';
import { readHfFolder, readTokenizerFiles } from './hfFolder.ts';
import { writeSafetensors } from './safetensorsWriter.ts';

const weights = (...names: string[]) =>
  writeSafetensors(names.map((name) => ({ name, shape: [1], data: new Float32Array([1]) })));

/** Files from bytes, text, or anything that JSON holds. */
function folder(contents: Record<string, unknown>): FileSet {
  return new Map(
    Object.entries(contents).map(([path, content]) => {
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      const bytes = content instanceof Uint8Array ? content : new TextEncoder().encode(text);
      return [path, memorySource(bytes, path)];
    }),
  );
}

const config = { model_type: 'llama' };
const index = { weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } };

it('reads configs, weights and tokenizer of a dropped folder that carries its own name', async () => {
  const found = await readHfFolder(
    folder({
      'SmolLM/config.json': config,
      'SmolLM/model.safetensors': weights('w'),
      'SmolLM/tokenizer.json': { version: '1.0' },
      'SmolLM/tokenizer_config.json': { eos_token: '</s>' },
      'SmolLM/generation_config.json': { eos_token_id: 2 },
      'SmolLM/1_Pooling/config.json': {},
    }),
  );
  expect(found.config).toEqual(config);
  expect([...found.tensors.keys()]).toEqual(['w']);
  expect(found.tokenizer.tokenizerJson).toEqual({ version: '1.0' });
  expect(found.tokenizer.tokenizerConfig).toEqual({ eos_token: '</s>' });
  expect(found.tokenizer.chatTemplate).toBeUndefined();
  expect(found.generationConfig).toEqual({ eos_token_id: 2 });
  expect(found.files.has('config.json')).toBe(true);
});

describe('the chat template', () => {
  const base = { 'config.json': config, 'model.safetensors': weights('w') };
  const templateOf = async (files: Record<string, unknown>) =>
    (await readHfFolder(folder({ ...base, ...files }))).tokenizer.chatTemplate;

  it('comes from the jinja file first, then chat_template.json, then the tokenizer config', async () => {
    const inConfig = { 'tokenizer_config.json': { chat_template: 'from config' } };
    const inJson = { ...inConfig, 'chat_template.json': { chat_template: 'from json' } };
    expect(await templateOf(inConfig)).toBe('from config');
    expect(await templateOf(inJson)).toBe('from json');
    expect(await templateOf({ ...inJson, 'chat_template.jinja': 'from jinja' })).toBe('from jinja');
  });

  it('is the one named default where there are several', async () => {
    const chat_template = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'chat' },
    ];
    expect(await templateOf({ 'tokenizer_config.json': { chat_template } })).toBe('chat');
  });
});

describe('weights in parts', () => {
  const first = {
    'config.json': config,
    'model.safetensors.index.json': index,
    'model-00001-of-00002.safetensors': weights('a'),
  };

  it('takes each tensor from the part that the index names', async () => {
    const { tensors } = await readHfFolder(folder({ ...first, 'model-00002-of-00002.safetensors': weights('b') }));
    expect([...tensors.values()].map(({ name, source }) => [name, source.name])).toEqual([
      ['a', 'model-00001-of-00002.safetensors'],
      ['b', 'model-00002-of-00002.safetensors'],
    ]);
  });

  it('names the part that is missing', async () => {
    await expect(readHfFolder(folder(first))).rejects.toThrow(/lacks model-00002-of-00002\.safetensors/);
  });

  it('names the tensor that is not where the index says', async () => {
    const files = folder({ ...first, 'model-00002-of-00002.safetensors': weights('c') });
    await expect(readHfFolder(files)).rejects.toThrow(/says that b is in model-00002/);
  });

  it('asks for an index that is missing', async () => {
    const files = folder({ 'config.json': config, 'model-00001-of-00002.safetensors': weights('a') });
    await expect(readHfFolder(files)).rejects.toThrow(/no model\.safetensors\.index\.json/);
  });

  it('refuses an index without a weight map', async () => {
    const files = folder({ ...first, 'model.safetensors.index.json': { weight_map: { a: 1 } } });
    await expect(readHfFolder(files)).rejects.toThrow(/index\.json has no weight_map/);
  });
});

describe('folders that are refused by name', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['no config', { 'model.safetensors': weights('w') }, /no config\.json/],
    ['broken config', { 'config.json': '{', 'model.safetensors': weights('w') }, /config\.json is not valid JSON/],
    [
      'SentencePiece alone',
      { 'config.json': config, 'model.safetensors': weights('w'), 'tokenizer.model': 'x' },
      /tokenizer\.model but no tokenizer\.json/,
    ],
    ['pickled weights', { 'config.json': config, 'pytorch_model.bin': 'x' }, /pytorch_model\.bin .* safetensors only/],
    ['no weights', { 'config.json': config }, /no model\.safetensors/],
  ])('%s', async (_, contents, message) => {
    await expect(readHfFolder(folder(contents))).rejects.toThrow(UserError);
    await expect(readHfFolder(folder(contents))).rejects.toThrow(message);
  });
});

describe('stripping the common folder', () => {
  const stripped = (...paths: string[]) => [
    ...stripCommonFolder(folder(Object.fromEntries(paths.map((path) => [path, ''])))).keys(),
  ];

  it('drops only whole names that all paths share', () => {
    expect(stripped('a/b/x', 'a/b/y')).toEqual(['x', 'y']);
    expect(stripped('a/b/x', 'a/y')).toEqual(['b/x', 'y']);
    expect(stripped('ab/x', 'a/y')).toEqual(['ab/x', 'a/y']);
    expect(stripped('x')).toEqual(['x']);
    expect(stripped()).toEqual([]);
  });
});

it("reads a tokenizer's older files where there is no tokenizer.json, and only there", async () => {
  const older = { 'vocab.txt': '[UNK]', 'vocab.json': { a: 0 }, 'merges.txt': 'a b' };
  expect(await readTokenizerFiles(folder(older))).toMatchObject({
    vocabTxt: '[UNK]',
    vocabJson: { a: 0 },
    mergesTxt: 'a b',
  });
  const found = await readTokenizerFiles(folder({ ...older, 'tokenizer.json': {} }));
  expect(found).toMatchObject({ tokenizerJson: {} });
  expect(found).not.toHaveProperty('vocabTxt');
});
