import { memorySource, type ByteSource, type FileSet } from '../formats/byteSource.ts';
import { streamedSource } from '../formats/streamedSource.ts';
import { formatLabel } from '../quant/registry.ts';
import { quantisedFormat, type Quantisation } from '../quant/quantise.ts';
import { quantisedFolder } from '../models/quantisedFolder.ts';
import { filesBesideWeights, jsonBytes } from './besideWeights.ts';
import type { LoadedModel } from './loadedModel.ts';

/**
 * The files of a model that is quantised while it is loaded, as they open without quantising. The weights are quantised as they are read:
 * no more than a piece and one weight are in memory, and model.safetensors can be read only once, from its beginning to its end. Reading rejects at
 * `signal`.
 */
export async function quantisedCopy(
  { checkpoint }: LoadedModel,
  onBytes: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<FileSet> {
  const { config, plan, bytes } = quantisedFolder(checkpoint);
  const { files } = await filesBesideWeights(checkpoint);
  files.set('config.json', jsonBytes(config));
  const total = plan.byteLength;
  const content = async function* () {
    let done = plan.header.byteLength;
    yield plan.header;
    for await (const chunk of bytes()) {
      signal.throwIfAborted();
      onBytes((done += chunk.byteLength), total);
      yield chunk;
    }
  };
  return new Map<string, ByteSource>([
    ...[...files].map(([path, bytes]) => [path, memorySource(bytes, path)] as const),
    ['model.safetensors', streamedSource('model.safetensors', total, content())],
  ]);
}

/** 'SmolLM2 (NF4)': what a list calls the copy. */
export function nameOfCopy(name: string, quantisation: Quantisation): string {
  const label = formatLabel(quantisedFormat(quantisation)) + (quantisation.embeddings ? ', embeddings in INT8' : '');
  return `${name.replace(/\.(gguf|safetensors|zip)$/i, '')} (${label})`;
}
