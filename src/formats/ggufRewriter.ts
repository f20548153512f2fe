import type { BlockFormatName } from '../quant/format.ts';
import type { ByteSource } from './byteSource.ts';
import type { GgufFile } from './gguf.ts';
import { ggmlTypeOf } from './ggmlTypes.ts';
import { copied, type PlacedBytes, type WeightFile } from './weightFile.ts';

/** A tensor that the file gets beside its own. */
export interface AddedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly format: BlockFormatName;
  readonly byteLength: number;
}

/** magic number and version; the count of the tensors follows */
const COUNT = 8;

/** The same GGUF file: all that is not rewritten keeps its bytes and, unless a tensor is added, its place. */
export function ggufFile(source: ByteSource, { tensors, layout }: GgufFile, added?: AddedTensor): WeightFile {
  const aligned = (position: number) => Math.ceil(position / layout.alignment) * layout.alignment;
  const dataBytes = source.size - layout.dataStart;
  const description = added ? describe(added, aligned(dataBytes)) : new Uint8Array();
  const dataStart = added ? aligned(layout.headerEnd + description.byteLength) : layout.dataStart;
  const shift = dataStart - layout.dataStart;
  const addedAt = dataStart + aligned(dataBytes);
  return {
    byteLength: added ? addedAt + aligned(added.byteLength) : source.size,
    offsetOf(name) {
      if (added?.name === name) return addedAt;
      const entry = tensors.get(name);
      if (!entry) throw new Error(`${name} has no place in the file`);
      return entry.byteOffset + shift;
    },
    async *rest(rewritten): AsyncGenerator<PlacedBytes> {
      yield* copied(source, 0, layout.headerEnd, 0);
      if (added) {
        yield { offset: COUNT, bytes: new Uint8Array(BigUint64Array.of(BigInt(tensors.size + 1)).buffer) };
        yield { offset: layout.headerEnd, bytes: description };
      }
      let position = layout.dataStart;
      const replaced = [...tensors.values()].filter(({ name }) => rewritten.has(name));
      for (const { byteOffset, byteLength } of replaced.sort((a, b) => a.byteOffset - b.byteOffset)) {
        yield* copied(source, position, byteOffset, position + shift);
        position = byteOffset + byteLength;
      }
      yield* copied(source, position, source.size, position + shift);
    },
  };
}

/** A tensor's entry in the header (gguf.md, gguf_tensor_info_t). @param offset from the start of the data */
function describe({ name, shape, format }: AddedTensor, offset: number): Uint8Array {
  const text = new TextEncoder().encode(name);
  const bytes = new Uint8Array(8 + text.byteLength + 4 + 8 * shape.length + 4 + 8);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(text.byteLength), true);
  bytes.set(text, 8);
  let at = 8 + text.byteLength;
  view.setUint32(at, shape.length, true);
  at += 4;
  for (const size of shape.toReversed()) {
    view.setBigUint64(at, BigInt(size), true);
    at += 8;
  }
  view.setUint32(at, ggmlTypeOf(format), true);
  view.setBigUint64(at + 4, BigInt(offset), true);
  return bytes;
}
