import { memorySource, type ByteSource, type FileSet } from '../formats/byteSource.ts';
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

/** A file that is made while it is read; ranges must follow on one another. Exported for its test. */
export function streamedSource(name: string, size: number, chunks: AsyncIterator<Uint8Array>): ByteSource {
  let position = 0;
  let rest: Uint8Array = new Uint8Array(0);
  return {
    name,
    size,
    async read(start, end) {
      if (start !== position) throw new Error(`${name} is read at ${start} and stands at ${position}`);
      const bytes = new Uint8Array(end - start);
      let filled = 0;
      while (filled < bytes.length) {
        if (rest.length === 0) {
          const next = await chunks.next();
          if (next.done) throw new Error(`${name} ended ${bytes.length - filled} bytes early`);
          rest = next.value;
          continue;
        }
        const taken = rest.subarray(0, bytes.length - filled);
        bytes.set(taken, filled);
        filled += taken.length;
        rest = rest.subarray(taken.length);
      }
      position = end;
      return bytes;
    },
  };
}
