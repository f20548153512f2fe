/**
 * Matrices in INT8, a quarter of their size in f32: a row is round(w / s), s = largest |w| of the row ÷ 127. `NAME` is stored as I8 of its
 * own shape and `NAME.scale` as F32 [rows]; vectors (biases, norms) stay F32 as they are.
 */
import type { ByteSource } from './byteSource.ts';
import { UserError } from './errors.ts';
import { readFloatTensor, type FloatTensor } from './floatTensors.ts';
import { readSafetensors } from './safetensors.ts';
import type { TensorData } from './safetensorsWriter.ts';
import { readTensorBytes } from './tensorEntry.ts';

const scaleOf = (name: string) => `${name}.scale`;

export function int8Tensors(
  tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly data: Float32Array }[],
): TensorData[] {
  return tensors.flatMap(({ name, shape, data }): TensorData[] => {
    const [rows = 0, columns = 0] = shape;
    if (shape.length !== 2) return [{ name, shape, data }];
    const scales = Float32Array.from({ length: rows }, (_, row) => {
      const values = data.subarray(row * columns, (row + 1) * columns);
      return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / 127;
    });
    const codes = Int8Array.from(data, (value, i) => Math.round(value / (scales[Math.floor(i / columns)] || 1)));
    return [
      { name, shape, dtype: 'I8', data: new Uint8Array(codes.buffer) },
      { name: scaleOf(name), shape: [rows], data: scales },
    ];
  });
}

/** The tensors of such a file, as f32. Throws a UserError where a scale is missing or of another shape. */
export async function readInt8Tensors(source: ByteSource): Promise<Map<string, FloatTensor>> {
  const { tensors } = await readSafetensors(source);
  const result = new Map<string, FloatTensor>();
  const isScale = (name: string) => name.endsWith('.scale') && tensors.get(name.slice(0, -6))?.format === 'i8';
  for (const entry of tensors.values()) {
    if (isScale(entry.name)) continue;
    if (entry.format !== 'i8') {
      result.set(entry.name, await readFloatTensor(entry));
      continue;
    }
    const scaleEntry = tensors.get(scaleOf(entry.name));
    const scales = scaleEntry && (await readFloatTensor(scaleEntry)).data;
    const [rows, columns = 1] = entry.shape;
    if (!scales || scales.length !== rows)
      throw new UserError(
        `${source.name} has no ${scaleOf(entry.name)} for each row of ${entry.name}. Export the adapter again.`,
      );
    const codes = new Int8Array((await readTensorBytes(entry)).buffer);
    const data = Float32Array.from(codes, (code, i) => code * (scales[Math.floor(i / columns)] ?? 0));
    result.set(entry.name, { shape: entry.shape, data });
  }
  return result;
}
