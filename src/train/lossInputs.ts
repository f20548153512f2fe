import type { Batch } from '../data/collate.ts';
import { unusedTarget } from '../graph/ops/crossEntropy.ts';
import { sortIds } from '../graph/ops/sortIds.ts';
import type { LossModel, LossShape } from './traceLoss.ts';

/**
 * The uploads of one micro-batch: see traceLoss. An adapter's prompt stands in front of each row, so that lengths and rows move behind it;
 * its prefix moves only positions. Ids come with their order, for the gradient of the table that they are looked up in.
 */
export function lossInputs(
  batch: Batch,
  shape: LossShape,
  { adapter, positions }: Pick<LossModel, 'adapter' | 'positions'>,
): Map<string, Uint32Array> {
  const prompt = adapter?.prompt?.tokens ?? 0;
  const prefix = adapter?.prefix?.tokens ?? 0;
  const length = prompt + shape.tokens;
  // rows are filled up to whole buckets, which may reach beyond a table of learned positions
  const positionIds = Uint32Array.from({ length: shape.batch * length }, (_, i) =>
    Math.min(prefix + (i % length), positions - 1),
  );
  const inputs = new Map<string, Uint32Array>([['keyLengths', batch.lengths.map((count) => prompt + count)]]);
  const setIds = (name: string, ids: Uint32Array) => {
    const { order, starts } = sortIds(ids);
    inputs.set(name, ids).set(`${name}.order`, order).set(`${name}.starts`, starts);
  };
  setIds('ids', batch.inputIds);
  setIds('positionIds', positionIds);
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
