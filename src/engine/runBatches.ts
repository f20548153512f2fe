import { collate, type Batch, type DecoderInput } from '../data/collate.ts';
import { collateImages } from '../data/collateImages.ts';
import type { EncodedRow } from '../data/encodeRow.ts';
import type { LoadedModel } from './loadedModel.ts';

/** Rows are padded to a multiple of this many tokens, so that few plans serve all batches. */
export const tokenBucket = 32;

/** Rows in the order of the file, in batches. */
export async function* batchesInOrder(
  rows: readonly EncodedRow[],
  batchSize: number,
  model: LoadedModel,
): AsyncGenerator<Batch> {
  for (let i = 0; i < rows.length; i += batchSize) yield collateFor(model, rows.slice(i, i + batchSize));
}

/** Rows side by side as the model takes them: tokens, or images. */
export async function collateFor(model: LoadedModel, rows: readonly EncodedRow[]): Promise<Batch> {
  const { image } = model.checkpoint.description;
  return image ? collateImages(rows, image.positions) : collate(rows, tokenBucket, model.tokenizer.padTokenId);
}

/** A batch at least as large in every dimension as any that the run can meet. */
export async function largestBatch(rows: readonly EncodedRow[], batchSize: number, model: LoadedModel): Promise<Batch> {
  const longest = [...rows].sort((a, b) => b.ids.length - a.ids.length).slice(0, batchSize);
  const labelled = [...rows].sort((a, b) => labelCount(b) - labelCount(a)).slice(0, batchSize);
  const batch = await collateFor(model, longest);
  const targetCount = labelled.reduce((sum, row) => sum + labelCount(row), 0);
  const decoder = batch.decoder && { ...batch.decoder, ...longestTarget(rows, batch.batchSize) };
  return { ...batch, decoder, targetCount: Math.max(batch.targetCount, targetCount) };
}

/** Room for the longest target of all rows. */
function longestTarget(rows: readonly EncodedRow[], batchSize: number): Pick<DecoderInput, 'tokens' | 'inputIds'> {
  const longest = rows.reduce(
    (most, { target }) => Math.max(most, target?.kind === 'sequence' ? target.ids.length : 0),
    1,
  );
  const tokens = Math.ceil(longest / tokenBucket) * tokenBucket;
  return { tokens, inputIds: new Uint32Array(batchSize * tokens) };
}

function labelCount(row: EncodedRow): number {
  if (row.target?.kind === 'sequence') return row.target.ids.length;
  return row.labels.reduce((count, label, i) => count + (i > 0 && label >= 0 ? 1 : 0), 0);
}
