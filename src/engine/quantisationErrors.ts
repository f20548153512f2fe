import { readDecodedRows, readRows, type Checkpoint } from '../models/checkpoint.ts';
import { quantisedWeights } from '../models/quantiseCheckpoint.ts';
import { decodePacked } from '../quant/packed.ts';
import { quantised, type Quantisation } from '../quant/quantise.ts';
import { weightFormats } from '../quant/registry.ts';

/** What quantising does to one weight. */
export interface QuantisationError {
  /** name of the weight */
  readonly name: string;
  /** ‖quantised − stored‖ ÷ ‖stored‖ of at most `rowsCompared` rows, which are quantised by themselves */
  readonly relativeError: number;
}

/** Rows of a weight that are compared: blocks are alike all through it. */
const rowsCompared = 64;

/** The error of each weight that would be quantised, over some of its rows. Throws as quantiseCheckpoint does, and stops at `signal`. */
export async function* quantisationErrors(
  checkpoint: Checkpoint,
  quantisation: Quantisation,
  signal?: AbortSignal,
): AsyncGenerator<QuantisationError> {
  for (const [name, wanted] of quantisedWeights(checkpoint.description, checkpoint.catalog, quantisation)) {
    signal?.throwIfAborted();
    const { rows, columns, values: stored } = await someRows(checkpoint, name);
    const read = (rowStart: number, rowCount: number) =>
      Promise.resolve(stored.slice(rowStart * columns, (rowStart + rowCount) * columns));
    const decoded = await decodePacked(quantised({ rows, columns, read }, wanted));
    yield { name, relativeError: relativeError(decoded, stored) };
  }
}

/** Rows spread through the weight; neighbours where the file holds them in another order, so that it is read only once. */
async function someRows(
  checkpoint: Checkpoint,
  name: string,
): Promise<{ rows: number; columns: number; values: Float32Array }> {
  const [all = 1, columns = 1] = checkpoint.catalog.get(name)?.shape ?? [];
  const rows = Math.min(all, rowsCompared);
  const tensor = checkpoint.tensors.get(name);
  if (tensor && !tensor.packed && (tensor.rowOrder || tensor.isTransposed)) {
    const bytes = await readRows(tensor, Math.floor((all - rows) / 2), rows);
    return { rows, columns, values: weightFormats[tensor.format].decode(bytes, rows * columns) };
  }
  const spread = Array.from({ length: rows }, (_, i) => Math.floor((i * all) / rows));
  return { rows, columns, values: await readDecodedRows(checkpoint, name, spread) };
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
