import type { Batch } from '../data/collate.ts';
import { unusedTarget } from '../graph/ops/crossEntropy.ts';
import { sortIds } from '../graph/ops/sortIds.ts';
import type { AdapterHooks } from '../models/builder.ts';
import type { LossShape } from './traceLoss.ts';

/**
 * The uploads of one micro-batch: see traceLoss. An adapter's prompt stands in front of each row, so that lengths and rows move behind it;
 * its prefix moves only positions.
 */
export function lossInputs(
  batch: Batch,
  shape: LossShape,
  adapter: AdapterHooks | undefined,
): Map<string, Uint32Array> {
  const prompt = adapter?.prompt?.tokens ?? 0;
  const prefix = adapter?.prefix?.tokens ?? 0;
  const { order, starts } = sortIds(batch.inputIds);
  const length = prompt + shape.tokens;
  const inputs = new Map<string, Uint32Array>([
    ['ids', batch.inputIds],
    ['positionIds', Uint32Array.from({ length: shape.batch * length }, (_, i) => prefix + (i % length))],
    ['keyLengths', batch.lengths.map((count) => prompt + count)],
    ['embedding.order', order],
    ['embedding.starts', starts],
  ]);
  const labelRows = batch.labelRows.map((row) => row + prompt * (Math.floor(row / shape.tokens) + 1));
  for (let chunk = 0; chunk < shape.labelRows / shape.chunkRows; chunk++) {
    const from = chunk * shape.chunkRows;
    const padded = (values: Uint32Array) => {
      const part = new Uint32Array(shape.chunkRows).fill(unusedTarget);
      part.set(values.subarray(from, from + shape.chunkRows));
      return part;
    };
    inputs.set(`labelRows.${chunk}`, padded(labelRows));
    inputs.set(`targets.${chunk}`, padded(batch.labelTargets));
  }
  return inputs;
}
