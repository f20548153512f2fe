import type { Batch } from '../data/collate.ts';
import { unusedTarget } from '../graph/ops/crossEntropy.ts';
import { sortIds } from '../graph/ops/sortIds.ts';
import { maskInputs } from '../models/positionMasks.ts';
import { lastRowInputs } from './lastRowInputs.ts';
import { positionIds } from './positionIds.ts';
import type { LossModel, LossShape } from './traceLoss.ts';

/**
 * The uploads of one micro-batch: see traceLoss. An adapter's prompt stands in front of each row, so that lengths and rows move behind it;
 * its prefix moves only positions. Ids come with their order, for the gradient of the table that they are looked up in.
 * @param isTraining whether it is learned from; see lastRowInputs
 */
export function lossInputs(
  batch: Batch,
  shape: LossShape,
  { adapter, positions, description }: LossModel,
  isTraining: boolean,
): Map<string, Uint32Array> {
  const prompt = adapter?.prompt?.tokens ?? 0;
  const prefix = adapter?.prefix?.tokens ?? 0;
  const length = prompt + shape.tokens;
  const inputs = new Map<string, Uint32Array>([['keyLengths', batch.lengths.map((count) => prompt + count)]]);
  const setIds = (name: string, ids: Uint32Array) => {
    const { order, starts } = sortIds(ids);
    inputs.set(name, ids).set(`${name}.order`, order).set(`${name}.starts`, starts);
  };
  setIds('ids', batch.inputIds);
  setIds('positionIds', positionIds(batch, description, { prompt, prefix, positions }));
  setIds('typeIds', typesBehindPrompt(batch, shape, prompt));
  inputs.set(
    'firstRows',
    Uint32Array.from(batch.lengths, (_, row) => row * length),
  );
  inputs.set('lastRows', lastRowInputs(batch, prompt, isTraining));
  for (const [name, mask] of maskInputs(adapter?.masks, batch.lengths, 0, length)) inputs.set(name, mask);
  if (batch.decoder) {
    setIds('decoderIds', batch.decoder.inputIds);
    inputs.set('decoderLengths', batch.decoder.lengths);
  }
  if (batch.pixelValues) inputs.set('pixelValues', bitsOf(batch.pixelValues));
  if (batch.targetValues) inputs.set('targetValues', bitsOf(batch.targetValues));
  // a pooled row is one vector, and a decoder's rows have no prompt in front
  const isBehindPrompt = !description.pool && !batch.decoder;
  const labelRows = isBehindPrompt ? rowsBehindPrompt(batch, shape, prompt) : batch.labelRows;
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

function rowsBehindPrompt({ labelRows }: Batch, { tokens }: LossShape, prompt: number): Uint32Array {
  return labelRows.map((row) => row + prompt * (Math.floor(row / tokens) + 1));
}

/** Types of all positions: virtual tokens, and rows of one text, have type 0. */
function typesBehindPrompt({ typeIds }: Batch, { batch, tokens }: LossShape, prompt: number): Uint32Array {
  const types = new Uint32Array(batch * (prompt + tokens));
  for (let row = 0; typeIds && row < batch; row++)
    types.set(typeIds.subarray(row * tokens, (row + 1) * tokens), row * (prompt + tokens) + prompt);
  return types;
}

function bitsOf({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer as ArrayBuffer, byteOffset, length);
}
