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
  else if (!(await holdTheSame(head, embedding))) return { ...description, tieWordEmbeddings: false };
  return description;
}

/** Codes are no numbers without their scales: of two tensors of which one is packed nothing is known. */
async function holdTheSame(head: CheckpointTensor, embedding: CheckpointTensor): Promise<boolean> {
  const [a, b] = [head.entry, embedding.entry];
  if (head.packed || embedding.packed || a.format !== b.format || a.byteLength !== b.byteLength) return false;
  for (let start = 0; start < a.byteLength; start += sliceBytes) {
    const end = Math.min(start + sliceBytes, a.byteLength);
    const [ours, theirs] = await Promise.all([sliceOf(a, start, end), sliceOf(b, start, end)]);
    if (!areEqual(ours, theirs)) return false;
  }
  return true;
}

function sliceOf({ source, byteOffset }: TensorEntry, start: number, end: number): Promise<Uint8Array> {
  return source.read(byteOffset + start, byteOffset + end);
}

/** Of two slices of one length. */
function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  const [words, others] = [wordsOf(a), wordsOf(b)];
  for (let i = 0; i < words.length; i++) if (words[i] !== others[i]) return false;
  for (let i = words.byteLength; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The whole words of some bytes, copied where they do not begin at one. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(buffer, byteOffset, bytes.byteLength >>> 2);
}
