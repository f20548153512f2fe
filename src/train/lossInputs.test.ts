import { describe, expect, it } from 'vitest';
import { collate } from '../data/collate.ts';
import { describeModel } from '../models/registry.ts';
import { lossInputs } from './lossInputs.ts';
import { lossShape, type LossModel } from './traceLoss.ts';

const description = describeModel({
  model_type: 'gpt2',
  n_embd: 8,
  n_layer: 1,
  n_head: 2,
  n_positions: 20,
  vocab_size: 9,
});
const trace = () => {
  throw new Error('nothing is traced');
};

/** The uploads of two rows, [3, 1, 3] and [5]. */
function uploads(adapter: LossModel['adapter']): Map<string, Uint32Array> {
  const row = (ids: readonly number[]) => ({ ids: Uint32Array.from(ids), labels: Int32Array.from(ids), cut: false });
  const batch = collate([row([3, 1, 3]), row([5])], 32);
  const shape = lossShape(2, batch.tokens, batch.targetCount, 9, 2 ** 20);
  return lossInputs(batch, shape, { description, catalog: new Map(), positions: 20, adapter });
}

describe('the uploads of a batch', () => {
  it('give each row its positions, behind a prefix and within the table', () => {
    const plain = uploads(undefined).get('positionIds');
    expect([...(plain?.subarray(0, 32) ?? [])]).toEqual(Array.from({ length: 32 }, (_, i) => Math.min(i, 19)));
    expect(plain?.subarray(32)).toEqual(plain?.subarray(0, 32));
    const behind = uploads({ prefix: { tokens: 5, layer: trace } });
    expect([...(behind.get('positionIds')?.subarray(0, 3) ?? [])]).toEqual([5, 6, 7]);
    expect([...(behind.get('keyLengths') ?? [])]).toEqual([3, 1]);
  });

  it('count a prompt as positions of the row', () => {
    const inputs = uploads({ prompt: { tokens: 4, embeddings: trace } });
    expect(inputs.get('positionIds')).toHaveLength(2 * 36);
    expect([...(inputs.get('positionIds')?.subarray(36, 39) ?? [])]).toEqual([0, 1, 2]);
    expect([...(inputs.get('keyLengths') ?? [])]).toEqual([7, 5]);
    expect([...(inputs.get('lastRows') ?? [])]).toEqual([6, 36 + 4]);
    expect([...(inputs.get('labelRows.0')?.subarray(0, 2) ?? [])]).toEqual([4, 5]);
  });

  it('carry the order of every kind of ids, for the gradient of its table', () => {
    const inputs = uploads(undefined);
    expect([...(inputs.get('ids.order')?.subarray(-4) ?? [])]).toEqual([1, 0, 2, 32]);
    const order = inputs.get('positionIds.order');
    expect([...(order?.subarray(0, 4) ?? [])]).toEqual([0, 32, 1, 33]);
    expect([...(inputs.get('positionIds.starts')?.subarray(0, 3) ?? [])]).toEqual([0, 2, 4]);
  });
});
