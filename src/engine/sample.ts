import { blobSource, type FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import type { RunFields } from './api.ts';
import { parseRunFile } from './runFile.ts';

const modelFiles = [
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
];

/**
 * The sample that comes with the page. Everything throws a UserError where it cannot be fetched.
 * @param url of its folder, with a slash at its end
 */
export function sampleAt(url: string) {
  return {
    async model(): Promise<FileSet> {
      const blobs = await Promise.all(modelFiles.map((name) => fetchFile(url, `model/${name}`)));
      return new Map(modelFiles.map((name, i) => [name, blobSource(blobs[i] ?? new Blob(), name)]));
    },
    async rows(): Promise<FileSet> {
      return new Map([['data.jsonl', blobSource(await fetchFile(url, 'data.jsonl'), 'data.jsonl')]]);
    },
    /** of its run file, but for the files that it names */
    async fields(): Promise<RunFields> {
      const text = await (await fetchFile(url, 'run.yaml')).text();
      const { model: _, dataset: __, ...fields } = parseRunFile(text, 'run.yaml');
      return fields;
    },
  };
}

async function fetchFile(base: string, path: string): Promise<Blob> {
  const response = await fetch(base + path).catch(() => undefined);
  if (!response?.ok)
    throw new UserError(`The sample's ${path} could not be loaded. Check the connection and try again.`);
  return response.blob();
}
