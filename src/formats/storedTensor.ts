/** Weights of a folder that are saved quantised, by several tensors of its files. */
import type { PackedTensor } from '../quant/packed.ts';
import { memorySource } from './byteSource.ts';
import type { TensorSpec } from './safetensorsWriter.ts';
import type { TensorEntry } from './tensorEntry.ts';

export interface StoredTensor extends PackedTensor {
  /** What other values would change: tensors of the file, as they would stand there. */
  readonly rewritten: readonly TensorSpec[];
  /** The weight in its format for other values, f32 [rows, columns]. */
  requantised(values: Float32Array): Promise<Requantised>;
}

export interface Requantised {
  /** the bytes of the tensors that are rewritten, by their names */
  readonly parts: ReadonlyMap<string, Uint8Array>;
  /** the weight that they make */
  readonly tensor: PackedTensor;
}

/** The entry with other bytes, which are in memory. */
export function entryOf(entry: TensorEntry, bytes: Uint8Array): TensorEntry {
  return {
    ...entry,
    source: memorySource(bytes, entry.source.name),
    byteOffset: 0,
    byteLength: bytes.byteLength,
  };
}

/** An entry's description in the header of a safetensors file. */
export function specOf({ name, shape, format }: TensorEntry): TensorSpec {
  return { name, shape, dtype: format.toUpperCase() as TensorSpec['dtype'] };
}
