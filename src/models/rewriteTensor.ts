/** A weight of a checkpoint for other values, in the tensors and the format that its files have. */
import { requantised } from '../formats/bitsandbytesStored.ts';
import { bitsandbytesSpecs, bitsandbytesTensors } from '../formats/bitsandbytesWriter.ts';
import { UserError } from '../formats/errors.ts';
import type { TensorSpec } from '../formats/safetensorsWriter.ts';
import { entryOf, specOf, type StoredTensor } from '../formats/storedTensor.ts';
import { readTensorBytes } from '../formats/tensorEntry.ts';
import { encodeBlocks } from '../quant/encode/encodeBlocks.ts';
import { encodeFloats, isFloatFormat } from '../quant/encode/floats.ts';
import { rowsOf, type BlockTensor, type CheckpointTensor, type QuantisedTensor } from './checkpoint.ts';

export interface RewrittenTensor {
  /** the bytes of the tensors that other values change, by their names in the files */
  readonly parts: ReadonlyMap<string, Uint8Array>;
  /** the weight as it is read from these */
  readonly tensor: CheckpointTensor;
}

/** The tensors of a safetensors file that other values of the weight change, as they would stand there. */
export function rewrittenSpecs(tensor: CheckpointTensor): readonly TensorSpec[] {
  const { entry, packed } = tensor;
  if (!packed) return [specOf(entry)];
  return isStored(tensor) ? tensor.packed.rewritten : bitsandbytesSpecs(entry.name, packed);
}

/**
 * Throws a UserError that names the tensor where a number is not finite, or its format cannot hold it.
 * @param values f32, in the shape and the order that the model has them
 */
export async function rewriteTensor(tensor: CheckpointTensor, values: Float32Array): Promise<RewrittenTensor> {
  const { entry, packed } = tensor;
  requireFiniteValues(values, entry.name);
  if (!packed) {
    const bytes = await encoded(tensor, inFileOrder(tensor, values));
    return { parts: new Map([[entry.name, bytes]]), tensor: { ...tensor, entry: entryOf(entry, bytes) } };
  }
  if (!isStored(tensor)) {
    const made = requantised(entry.name, packed, values);
    return { parts: await bitsandbytesTensors(entry.name, made), tensor: { ...tensor, packed: made } };
  }
  const { parts, tensor: made } = await tensor.packed.requantised(values);
  const changed = new Set(tensor.packed.rewritten.map(({ name }) => name));
  return { parts: new Map([...parts].filter(([name]) => changed.has(name))), tensor: { ...tensor, packed: made } };
}

/** The bytes of a tensor that takes other values, in the order of the file. */
async function encoded({ entry, format }: BlockTensor, values: Float32Array): Promise<Uint8Array> {
  if (isFloatFormat(format)) return encodeFloats(format, values, entry.name);
  const bytes = await readTensorBytes(entry);
  encodeBlocks(format, values, bytes, entry.name);
  return bytes;
}

/** A weight that is quantised while it is loaded, as it is: the files hold it as floats. */
export async function copyOfTensor(tensor: CheckpointTensor): Promise<RewrittenTensor> {
  const { entry, packed } = tensor;
  const parts = packed
    ? await bitsandbytesTensors(entry.name, packed)
    : new Map([[entry.name, await readTensorBytes(entry)]]);
  return { parts, tensor };
}

export function isQuantisedOnLoad({ original }: CheckpointTensor): boolean {
  return original !== undefined;
}

/** True for a weight that the files hold quantised by several tensors. */
function isStored(tensor: CheckpointTensor): tensor is QuantisedTensor & { readonly packed: StoredTensor } {
  return tensor.packed !== undefined && !isQuantisedOnLoad(tensor);
}

/** Formats of blocks would take any code for what is not finite. */
function requireFiniteValues(values: Float32Array, name: string): void {
  if (values.every(Number.isFinite)) return;
  throw new UserError(
    `${name} would hold numbers that are not finite, so nothing was written. Merge an adapter whose training did not diverge.`,
  );
}

/** The way back of readRows: rows where the file has them, or its columns as rows. */
function inFileOrder(tensor: BlockTensor, values: Float32Array): Float32Array {
  const { rowOrder, isTransposed, surplus } = tensor;
  if (surplus !== undefined) return values.map((value) => value + surplus);
  if (!rowOrder && !isTransposed) return values;
  const rows = rowsOf(tensor);
  const columns = values.length / rows;
  const laidOut = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * columns, (row + 1) * columns);
    if (isTransposed) own.forEach((value, column) => (laidOut[column * rows + row] = value));
    else laidOut.set(own, (rowOrder?.(row) ?? row) * columns);
  }
  return laidOut;
}
