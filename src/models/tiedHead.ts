import type { TensorEntry } from '../formats/tensorEntry.ts';
import type { CheckpointTensor } from './checkpoint.ts';
import type { ModelDescription } from './family.ts';

/** Bytes of each of the two that are compared at a time. */
const sliceBytes = 2 ** 20;

/**
 * The description with its head as the files have it: Transformers ties a head to the embedding where config.json says so, but not one
 * that is there with other numbers. A tied pair of which the files hold the head alone is put under the embedding's name in `tensors`.
 */
export async function withStoredHead(
  description: ModelDescription,
  tensors: Map<string, CheckpointTensor>,
): Promise<ModelDescription> {
  if (!description.tieWordEmbeddings) return description;
  const embeddingName = `${description.embeddingPath}.weight`;
  const [head, embedding] = [tensors.get(`${description.headPath}.weight`), tensors.get(embeddingName)];
  if (!head) return description;
  if (!embedding) tensors.set(embeddingName, head);
  else if (!(await holdTheSame(head.entry, embedding.entry))) return { ...description, tieWordEmbeddings: false };
  return description;
}

async function holdTheSame(a: TensorEntry, b: TensorEntry): Promise<boolean> {
  if (a.format !== b.format || a.byteLength !== b.byteLength) return false;
  for (let start = 0; start < a.byteLength; start += sliceBytes) {
    const end = Math.min(start + sliceBytes, a.byteLength);
    const [ours, theirs] = await Promise.all(
      [a, b].map(({ source, byteOffset }) => source.read(byteOffset + start, byteOffset + end)),
    );
    if (!ours?.every((byte, i) => byte === theirs?.[i])) return false;
  }
  return true;
}
