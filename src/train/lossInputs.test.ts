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

const row = (ids: readonly number[], typeIds?: readonly number[]) => ({
  ids: Uint32Array.from(ids),
  labels: Int32Array.from(ids),
  cut: false,
  ...(typeIds && { typeIds: Uint8Array.from(typeIds) }),
});

/** The uploads of rows, [3, 1, 3] and [5] where none are given. */
function uploads(
  adapter: LossModel['adapter'],
  { rows = [row([3, 1, 3]), row([5])], isTraining = true, padTokenId = 0 } = {},
): Map<string, Uint32Array> {
  const batch = collate(rows, 32, padTokenId);
  const shape = lossShape(2, batch.tokens, batch.targetCount, 9, 2 ** 20);
  return lossInputs(batch, shape, { description, catalog: new Map(), positions: 20, adapter }, isTraining);
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

  it('give tokens of RoBERTa’s padding, also inside a text, the row in front of the first and do not count them', () => {
    const batch = collate([row([3, 1, 4, 1])], 32, 1);
    const shape = lossShape(1, batch.tokens, batch.targetCount, 9, 2 ** 20);
    const roberta = describeModel({ model_type: 'roberta', pad_token_id: 1, max_position_embeddings: 20 });
    const uploaded = (adapter: LossModel['adapter']) => {
      const model = { description: roberta, catalog: new Map(), positions: 18, adapter };
      return [...(lossInputs(batch, shape, model, true).get('positionIds')?.subarray(0, 6) ?? [])];
    };
    expect(uploaded(undefined)).toEqual([2, 1, 3, 1, 1, 1]);
    expect(uploaded({ prefix: { tokens: 5, layer: trace } })).toEqual([7, 1, 8, 1, 1, 1]);
    expect(uploaded({ prompt: { tokens: 1, embeddings: trace } })).toEqual([2, 3, 4, 5, 6, 7]);
  });

  it('count a prompt as positions of the row', () => {
    const inputs = uploads({ prompt: { tokens: 4, embeddings: trace } });
    expect(inputs.get('positionIds')).toHaveLength(2 * 36);
    expect([...(inputs.get('positionIds')?.subarray(36, 39) ?? [])]).toEqual([0, 1, 2]);
    expect([...(inputs.get('keyLengths') ?? [])]).toEqual([7, 5]);
    expect([...(inputs.get('labelRows.0')?.subarray(0, 2) ?? [])]).toEqual([4, 5]);
  });

  it('let a classifier read each row at its last token that is not padding', () => {
    expect([...(uploads(undefined).get('lastRows') ?? [])]).toEqual([2, 32]);
    const closing = uploads(undefined, { padTokenId: 3 });
    expect([...(closing.get('lastRows') ?? [])]).toEqual([1, 32]);
    expect([...(closing.get('ids')?.subarray(32, 35) ?? [])]).toEqual([5, 3, 3]);
  });

  it('let it learn at the end of the batch behind a prompt, and be used at the end of each row', () => {
    const prompt = { tokens: 4, embeddings: trace };
    expect([...(uploads({ prompt }).get('lastRows') ?? [])]).toEqual([6, 36 + 6]);
    expect([...(uploads({ prompt }, { isTraining: false }).get('lastRows') ?? [])]).toEqual([6, 36 + 4]);
  });

  it('keep the types of pairs behind a prompt', () => {
    const rows = [row([3, 1, 3], [0, 1, 1]), row([5, 2], [0, 1])];
    const types = uploads({ prompt: { tokens: 4, embeddings: trace } }, { rows }).get('typeIds');
    expect([...(types?.subarray(0, 8) ?? [])]).toEqual([0, 0, 0, 0, 0, 1, 1, 0]);
    expect([...(types?.subarray(36, 43) ?? [])]).toEqual([0, 0, 0, 0, 0, 1, 0]);
  });

  it('carry the order of every kind of ids, for the gradient of its table', () => {
    const inputs = uploads(undefined);
    expect([...(inputs.get('ids.order')?.subarray(-4) ?? [])]).toEqual([1, 0, 2, 32]);
    const order = inputs.get('positionIds.order');
    expect([...(order?.subarray(0, 4) ?? [])]).toEqual([0, 32, 1, 33]);
    expect([...(inputs.get('positionIds.starts')?.subarray(0, 3) ?? [])]).toEqual([0, 2, 4]);
  });
});
