import { planSafetensors, type TensorSpec } from './safetensorsWriter.ts';
import { dtypeBytes } from './safetensors.ts';
import { specOf } from './storedTensor.ts';
import { elementCount, type TensorEntry } from './tensorEntry.ts';
import { copied, type PlacedBytes, type WeightFile } from './weightFile.ts';

/**
 * One safetensors file with the tensors of a folder, however many it had.
 * @param rewritten tensors that may get other bytes, and those that are new: as they will stand there
 */
export function safetensorsFile(
  entries: ReadonlyMap<string, TensorEntry>,
  rewritten: readonly TensorSpec[],
): WeightFile {
  const specs = new Map([...entries.values()].map((entry) => [entry.name, specOf(entry)]));
  for (const spec of rewritten) specs.set(spec.name, spec);
  const { header, order, byteLength } = planSafetensors([...specs.values()]);
  const places = new Map<string, { readonly offset: number; readonly bytes: number }>();
  let offset = header.byteLength;
  for (const { name, shape, dtype } of order) {
    const bytes = elementCount(shape) * dtypeBytes(dtype);
    places.set(name, { offset, bytes });
    offset += bytes;
  }
  const placeOf = (name: string) => {
    const place = places.get(name);
    if (!place) throw new Error(`${name} has no place in the file`);
    return place;
  };
  return {
    byteLength,
    offsetOf: (name) => placeOf(name).offset,
    async *rest(written): AsyncGenerator<PlacedBytes> {
      yield { offset: 0, bytes: header };
      for (const [name, { source, byteOffset, byteLength: own }] of entries) {
        if (written.has(name)) continue;
        const place = placeOf(name);
        yield* copied(source, byteOffset, byteOffset + own, place.offset);
        // JSON that was given room for other digits
        if (own < place.bytes)
          yield { offset: place.offset + own, bytes: new Uint8Array(place.bytes - own).fill(0x20) };
      }
    },
  };
}
