/** A file of weights that is written as another one is, but for some of its tensors. */
import type { ByteSource } from './byteSource.ts';

export interface WeightFile {
  readonly byteLength: number;
  /** Where the bytes of a tensor go. */
  offsetOf(tensor: string): number;
  /** All of the file but the tensors that are rewritten. */
  rest(rewritten: ReadonlySet<string>): AsyncGenerator<PlacedBytes>;
}

/** Bytes of a file and where they go in it. */
export interface PlacedBytes {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** bytes that are copied at a time */
const stretch = 64 << 20;

/** Bytes [start, end) of a file, which go to `offset` of another. */
export async function* copied(
  source: ByteSource,
  start: number,
  end: number,
  offset: number,
): AsyncGenerator<PlacedBytes> {
  for (let from = start; from < end; from += stretch)
    yield { offset: offset + from - start, bytes: await source.read(from, Math.min(from + stretch, end)) };
}
