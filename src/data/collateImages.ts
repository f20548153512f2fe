import type { Batch } from './collate.ts';
import { targetsOfRows } from './collate.ts';
import type { EncodedRow } from './encodedRow.ts';

/**
 * Puts rows of images into a batch, decoding them as they are needed.
 * @param positions that the model makes of an image
 */
export async function collateImages(rows: readonly EncodedRow[], positions: number): Promise<Batch> {
  const { height = 0, width = 0 } = rows[0]?.image ?? {};
  const size = 3 * height * width;
  const pixelValues = new Float32Array(rows.length * size);
  for (const [index, { image }] of rows.entries()) await image?.writeValues(pixelValues, index * size);
  return {
    batchSize: rows.length,
    tokens: positions,
    inputIds: new Uint32Array(rows.length * positions),
    lengths: new Uint32Array(rows.length).fill(positions),
    pixelValues,
    ...targetsOfRows(rows.flatMap(({ target }) => target ?? [])),
  };
}
