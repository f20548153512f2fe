/** Writing safetensors files that the Python library loads. */
import type { SafetensorsDtype } from './safetensors.ts';
import { dtypeBytes } from './safetensors.ts';
import { elementCount } from './tensorEntry.ts';

/** What the header says of one tensor. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: SafetensorsDtype;
}

/** A tensor with its values: f32, or the bytes of any dtype, little endian. */
export type TensorData =
  | { readonly name: string; readonly shape: readonly number[]; readonly data: Float32Array }
  | (TensorSpec & { readonly data: Uint8Array });

export interface SafetensorsPlan {
  /** length field and JSON, padded with spaces so that the data begins at a multiple of 8 */
  readonly header: Uint8Array<ArrayBuffer>;
  /** the tensors in the order in which their bytes must follow the header, without a gap */
  readonly order: readonly TensorSpec[];
  /** bytes of the whole file */
  readonly byteLength: number;
}

/** Transformers and PEFT look for this and refuse a file that names another framework. */
const defaultMetadata = { format: 'pt' };

/**
 * The header of a file that is written piece by piece (a merged model is never whole in the heap): write `header`, then the bytes of
 * each tensor in `order`. Wide elements come first, so that every tensor is aligned to its element.
 * Throws an Error for a name that occurs twice or an impossible shape: these are the caller's mistakes, not the user's.
 */
export function planSafetensors(
  specs: readonly TensorSpec[],
  metadata: Record<string, string> = defaultMetadata,
): SafetensorsPlan {
  const order = [...specs].sort((a, b) => dtypeBytes(b.dtype) - dtypeBytes(a.dtype) || (a.name < b.name ? -1 : 1));
  const entries = new Map<string, unknown>([['__metadata__', metadata]]);
  let offset = 0;
  for (const { name, shape, dtype } of order) {
    const byteLength = elementCount(shape) * dtypeBytes(dtype);
    if (Number.isNaN(byteLength)) throw new Error(`${name} has an impossible shape: [${shape.join(', ')}]`);
    if (entries.has(name)) throw new Error(`${name} is given twice`);
    entries.set(name, { dtype, shape, data_offsets: [offset, offset + byteLength] });
    offset += byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(json.byteLength / 8) * 8;
  const header = new Uint8Array(8 + headerBytes).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(headerBytes), true);
  header.set(json, 8);
  return { header, order, byteLength: header.byteLength + offset };
}

/** A whole small file (an adapter) at once. Throws an Error where data and shape disagree. */
export function writeSafetensors(
  tensors: readonly TensorData[],
  metadata?: Record<string, string>,
): Uint8Array<ArrayBuffer> {
  const bytesByName = new Map<string, Uint8Array>();
  const specs = tensors.map((tensor): TensorSpec => {
    const { name, shape, data } = tensor;
    const dtype = 'dtype' in tensor ? tensor.dtype : 'F32';
    if (data.byteLength !== elementCount(shape) * dtypeBytes(dtype)) {
      throw new Error(`${name} has ${data.byteLength} bytes, which is not ${dtype} of shape [${shape.join(', ')}]`);
    }
    bytesByName.set(name, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return { name, shape, dtype };
  });
  const plan = planSafetensors(specs, metadata);
  const file = new Uint8Array(plan.byteLength);
  file.set(plan.header);
  let offset = plan.header.byteLength;
  for (const { name } of plan.order) {
    const bytes = bytesByName.get(name)!;
    file.set(bytes, offset);
    offset += bytes.byteLength;
  }
  return file;
}
