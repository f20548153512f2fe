import { readDecodedRows, type Checkpoint } from '../models/checkpoint.ts';
import { quantisedWeights } from '../models/quantiseCheckpoint.ts';
import { decodePacked } from '../quant/packed.ts';
import { quantised, type Quantisation } from '../quant/quantise.ts';

/** What quantising does to one weight. */
export interface QuantisationError {
  /** name of the weight */
  readonly name: string;
  /** ‖quantised − stored‖ ÷ ‖stored‖ */
  readonly relativeError: number;
}

/** Rows of a weight that are compared: blocks are alike all through it. */
const rowsCompared = 64;

/** The error of each weight that would be quantised, over rows spread through it. Throws as quantiseCheckpoint does. */
export async function* quantisationErrors(
  checkpoint: Checkpoint,
  quantisation: Quantisation,
): AsyncGenerator<QuantisationError> {
  for (const [name, wanted] of quantisedWeights(checkpoint.description, checkpoint.catalog, quantisation)) {
    const [rows = 1, columns = 1] = checkpoint.catalog.get(name)?.shape ?? [];
    const count = Math.min(rows, rowsCompared);
    const chosen = Array.from({ length: count }, (_, i) => Math.floor((i * rows) / count));
    const stored = await readDecodedRows(checkpoint, name, chosen);
    const read = (rowStart: number, rowCount: number) =>
      Promise.resolve(stored.slice(rowStart * columns, (rowStart + rowCount) * columns));
    const decoded = await decodePacked(quantised({ rows: count, columns, read }, wanted));
    yield { name, relativeError: relativeError(decoded, stored) };
  }
}

function relativeError(values: Float32Array, expected: Float32Array): number {
  let lost = 0;
  let size = 0;
  values.forEach((value, i) => {
    lost += (value - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  });
  return size > 0 ? Math.sqrt(lost / size) : 0;
}
