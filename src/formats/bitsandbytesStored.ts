/** bitsandbytes' weights for other values: quantised anew by its own algorithm, in the tensors and types that the files have. */
import { largestHalf, requireWithin } from '../quant/encode/floats.ts';
import type { PackedTensor } from '../quant/packed.ts';
import { quantisationTo, quantised } from '../quant/quantise.ts';
import { formatLabel } from '../quant/registry.ts';
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

/**
 * A weight in one of bitsandbytes' formats for other values, f32 [rows, columns], which are kept and quantised by each writing. Throws a
 * UserError that names the tensor where its format cannot hold a number.
 */
export function requantised(name: string, { format, rows, columns }: PackedTensor, values: Float32Array): PackedTensor {
  const most = format === 'int8' ? largestHalf : Number.MAX_VALUE; // INT8 is made from halves
  requireWithin(values, most, { name, format: formatLabel(format), instead: 'Merge without --requantize.' });
  const read = (rowStart: number, rowCount: number) =>
    Promise.resolve(values.slice(rowStart * columns, (rowStart + rowCount) * columns));
  return quantised({ name, rows, columns, read }, quantisationTo(format));
}

function requantiser({ name }: TensorEntry, packed: PackedTensor): StoredTensor['requantised'] {
  return async (values) => {
    const tensor = requantised(name, packed, values);
    return { parts: await bitsandbytesTensors(name, tensor), tensor };
  };
}

function json(bytes: Uint8Array): { nested_offset?: number } {
  return JSON.parse(new TextDecoder().decode(bytes)) as { nested_offset?: number };
}
