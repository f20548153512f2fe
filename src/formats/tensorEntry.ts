import type { BlockFormatName } from '../quant/format.ts';
import type { ByteSource } from './byteSource.ts';

/** Element types a safetensors file may hold that are not weight formats: indices, masks, packed integers of other quantisers. */
export type OtherDtype =
  'f64' | 'f8_e4m3' | 'f8_e5m2' | 'f8_e8m0' | 'i64' | 'i32' | 'i16' | 'i8' | 'u64' | 'u32' | 'u16' | 'u8' | 'bool';

/** Where one tensor lies in a file, known from the file's header alone. */
export interface TensorEntry {
  readonly name: string;
  /** outermost dimension first, as Hugging Face and PyTorch write it; a weight matrix is [out, in] */
  readonly shape: readonly number[];
  readonly format: BlockFormatName | OtherDtype;
  readonly source: ByteSource;
  /** from the start of the file */
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** The tensor's bytes as they lie in the file. */
export function readTensorBytes(entry: TensorEntry): Promise<Uint8Array<ArrayBuffer>> {
  return entry.source.read(entry.byteOffset, entry.byteOffset + entry.byteLength);
}

/** Elements of a shape; NaN if a dimension is not a whole number ≥ 0 or the product is beyond 2⁵³. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) return NaN;
    count *= dimension;
  }
  return Number.isSafeInteger(count) ? count : NaN;
}

/**
 * Two of the entries whose bytes overlap, or undefined. Empty tensors overlap nothing.
 * Sorts by offset, so a header with 10⁵ tensors is checked in milliseconds.
 */
export function findOverlap(entries: Iterable<TensorEntry>): [TensorEntry, TensorEntry] | undefined {
  const sorted = [...entries].filter((entry) => entry.byteLength > 0).sort((a, b) => a.byteOffset - b.byteOffset);
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1]!;
    const after = sorted[i]!;
    if (before.byteOffset + before.byteLength > after.byteOffset) return [before, after];
  }
  return undefined;
}
