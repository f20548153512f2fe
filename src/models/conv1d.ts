import type { TensorEntry } from '../formats/tensorEntry.ts';
import type { ModelDescription } from './family.ts';

/** Bytes of the file that are held while it is transposed. */
const sliceBytes = 8 * 2 ** 20;

/** Names of the weights that Transformers' files hold as [inFeatures, outFeatures]: those of its Conv1D modules. */
export function conv1dWeights({ modules }: Pick<ModelDescription, 'modules'>): ReadonlySet<string> {
  return new Set(modules.filter(({ isConv1d }) => isConv1d).map(({ path }) => `${path}.weight`));
}

/**
 * Columns of a matrix of plain floats [rows, columns] in a file, each as a row of `rows` elements: bytes of [columnCount, rows].
 * Reads the file in slices of whole rows.
 */
export async function readColumns(
  { source, byteOffset, byteLength, shape }: TensorEntry,
  columnStart: number,
  columnCount: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const [rows = 1, columns = 1] = shape;
  const rowBytes = byteLength / rows;
  const Words = rowBytes / columns === 2 ? Uint16Array : Uint32Array;
  const transposed = new Words(columnCount * rows);
  const step = Math.max(1, Math.floor(sliceBytes / rowBytes));
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const start = byteOffset + first * rowBytes;
    const slice = new Words((await source.read(start, start + count * rowBytes)).buffer);
    for (let row = 0; row < count; row++)
      for (let column = 0; column < columnCount; column++)
        transposed[column * rows + first + row] = slice[row * columns + columnStart + column]!;
  }
  return new Uint8Array(transposed.buffer);
}
