/** bitsandbytes' weights for other values: quantised anew by its own algorithm, in the tensors and types that the files have. */
import { packedPlanes, type PackedTensor } from '../quant/packed.ts';
import { quantised, type FloatRows, type Quantisation } from '../quant/quantise.ts';
import type { FormatName } from '../quant/format.ts';
import { eightBitTensor, fourBitTensor, type FourBitEntries } from './bitsandbytes.ts';
import { bitsandbytesSpecs, bitsandbytesTensors } from './bitsandbytesWriter.ts';
import { specOf, type StoredTensor } from './storedTensor.ts';
import { readTensorBytes, type TensorEntry } from './tensorEntry.ts';

/** Throws a UserError as fourBitTensor does. */
export async function storedFourBit(entries: FourBitEntries): Promise<StoredTensor> {
  const { weight, absmax, quantState, nestedAbsmax, nestedQuantMap } = entries;
  const packed = await fourBitTensor(entries);
  const written = bitsandbytesSpecs(weight.name, packed);
  const plain = [weight, absmax].map(specOf);
  if (!nestedAbsmax || !nestedQuantMap)
    return { ...packed, rewritten: plain, requantised: requantiser(weight, packed) };
  // its JSON holds the mean of the scales, which is another and may take more digits
  const state = written.find(({ name }) => name === quantState.name)!;
  const stateBytes = Math.max(quantState.byteLength, state.shape[0]!);
  return {
    ...packed,
    rewritten: [...plain, ...[nestedAbsmax, nestedQuantMap].map(specOf), { ...state, shape: [stateBytes] }],
    async requantised(values) {
      const { parts, tensor } = await requantiser(weight, packed)(values);
      const merged = {
        ...json(await readTensorBytes(quantState)),
        nested_offset: json(parts.get(state.name)!).nested_offset,
      };
      const text = new TextEncoder().encode(JSON.stringify(merged).padEnd(stateBytes));
      return { parts: new Map([...parts, [state.name, text]]), tensor };
    },
  };
}

export function storedEightBit(weight: TensorEntry, scb: TensorEntry): StoredTensor {
  const packed = eightBitTensor(weight, scb);
  return { ...packed, rewritten: [weight, scb].map(specOf), requantised: requantiser(weight, packed) };
}

/** A weight in one of bitsandbytes' formats for other values, f32 [rows, columns]. */
export async function requantised(
  { format, rows, columns }: PackedTensor,
  values: Float32Array,
): Promise<PackedTensor> {
  const source: FloatRows = {
    rows,
    columns,
    read: (rowStart, rowCount) => Promise.resolve(values.slice(rowStart * columns, (rowStart + rowCount) * columns)),
  };
  const tensor = quantised(source, quantisationOf(format));
  const [planes = []] = await packedPlanes(tensor, [{ rowStart: 0, rowCount: rows }]);
  return {
    ...tensor,
    write: (_, put) => {
      planes.forEach((bytes, plane) => put(0, plane, 0, bytes));
      return Promise.resolve();
    },
  };
}

function requantiser({ name }: TensorEntry, packed: PackedTensor): StoredTensor['requantised'] {
  return async (values) => {
    const tensor = await requantised(packed, values);
    return { parts: await bitsandbytesTensors(name, tensor), tensor };
  };
}

function quantisationOf(format: FormatName): Quantisation {
  const kind = format === 'int8' ? 'int8' : format.startsWith('nf4') ? 'nf4' : 'fp4';
  return { kind, doubleQuant: format.includes('_nested') };
}

function json(bytes: Uint8Array): { nested_offset?: number } {
  return JSON.parse(new TextDecoder().decode(bytes)) as { nested_offset?: number };
}
