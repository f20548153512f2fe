/** Small tensors (adapters, heads) as f32 in memory, whatever type the file holds. */
import { isWeightFormat, weightFormats } from '../quant/registry.ts';
import type { ByteSource } from './byteSource.ts';
import { UserError } from './errors.ts';
import { readSafetensors } from './safetensors.ts';
import type { TensorEntry } from './tensorEntry.ts';
import { elementCount, readTensorBytes } from './tensorEntry.ts';

/** A tensor with its values; `data` has as many values as the shape says, the last dimension fastest. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Every tensor of a safetensors file. F16 and BF16 are upcast exactly; F64 is rounded; small integers (the indices that VB-LoRA
 * stores) become floats. Throws a UserError for other types.
 */
export async function readFloatTensors(source: ByteSource): Promise<Map<string, FloatTensor>> {
  const tensors = new Map<string, FloatTensor>();
  for (const entry of (await readSafetensors(source)).tensors.values())
    tensors.set(entry.name, await readFloatTensor(entry));
  return tensors;
}

/** One tensor, decoded from any weight format. */
export async function readFloatTensor(entry: TensorEntry): Promise<FloatTensor> {
  return { shape: entry.shape, data: decode(entry, await readTensorBytes(entry)) };
}

function decode(entry: TensorEntry, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  const { format } = entry;
  if (isWeightFormat(format)) return weightFormats[format].decode(bytes, elementCount(entry.shape));
  switch (format) {
    case 'f64':
      return new Float32Array(new Float64Array(bytes.buffer));
    case 'i64':
      return Float32Array.from(new BigInt64Array(bytes.buffer), Number);
    case 'i32':
      return new Float32Array(new Int32Array(bytes.buffer));
    case 'u8':
      return new Float32Array(bytes);
    default:
      throw new UserError(
        `Tensor ${entry.name} in ${entry.source.name} has the type ${format.toUpperCase()}, which is not expected here.`,
      );
  }
}

/** The name of the first tensor that holds a NaN or an infinity, or undefined. */
export function findNonFinite(tensors: ReadonlyMap<string, FloatTensor>): string | undefined {
  for (const [name, { data }] of tensors) {
    if (!data.every(Number.isFinite)) return name;
  }
  return undefined;
}
