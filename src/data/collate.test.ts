import { describe, expect, it } from 'vitest';
import { collate } from './collate.ts';
import type { EncodedRow, RowTarget } from './encodedRow.ts';

const row = (ids: number[], target?: RowTarget, labels = ids.map(() => -100)): EncodedRow => ({
  ids: Uint32Array.from(ids),
  labels: Int32Array.from(labels),
  cut: false,
  ...(target ? { target } : {}),
});

describe('a batch of a causal model', () => {
  it('pads on the right and predicts each learned token from the position before it', () => {
    const batch = collate(
      [row([2, 3, 1], undefined, [-100, 3, 1]), row([2, 3, 4, 5], undefined, [-100, -100, 4, 5])],
      32,
    );
    expect(batch).toMatchObject({ batchSize: 2, tokens: 32, targetCount: 4 });
    expect([...batch.lengths]).toEqual([3, 4]);
    expect([...batch.inputIds.subarray(0, 5)]).toEqual([2, 3, 1, 0, 0]);
    expect([...batch.inputIds.subarray(32, 37)]).toEqual([2, 3, 4, 5, 0]);
    expect([...batch.labelRows]).toEqual([0, 1, 33, 34]);
    expect([...batch.labelTargets]).toEqual([3, 1, 4, 5]);
    expect([batch.targetValues, batch.decoder, batch.typeIds]).toEqual([undefined, undefined, undefined]);
  });

  it('never predicts the first token of a row, and takes whole buckets', () => {
    const ids = new Array<number>(65).fill(2);
    const batch = collate([row(ids, undefined, ids), row(ids, undefined, ids)], 64);
    expect(batch.tokens).toBe(128);
    expect(batch.targetCount).toBe(128);
    expect([...batch.labelRows].slice(62, 66)).toEqual([62, 63, 128, 129]);
  });
});

describe('a batch of a classifier', () => {
  it('has one row of logits a row, and the types of pairs', () => {
    const pair = { ...row([5, 6], { kind: 'class', classId: 3 }), typeIds: Uint8Array.of(0, 1) };
    const batch = collate([row([5], { kind: 'class', classId: 0 }), pair], 32);
    expect([...batch.labelRows]).toEqual([0, 1]);
    expect([...batch.labelTargets]).toEqual([0, 3]);
    expect(batch.targetCount).toBe(2);
    expect([...batch.typeIds!.subarray(32, 35)]).toEqual([0, 1, 0]);
  });

  it('has values for all logits where they are estimated', () => {
    const values = (...list: number[]): RowTarget => ({ kind: 'values', values: Float32Array.from(list) });
    const batch = collate([row([5], values(0, 1, 1)), row([6], values(1, 0, 0))], 32);
    expect([...batch.targetValues!]).toEqual([0, 1, 1, 1, 0, 0]);
    expect(batch.targetCount).toBe(6);
    expect(batch.labelRows).toHaveLength(0);
  });

  it('of words is not shifted', () => {
    const batch = collate(
      [row([1, 5, 6, 2], { kind: 'tokenClasses' }, [-100, 4, -100, -100]), row([1], { kind: 'tokenClasses' }, [7])],
      32,
    );
    expect([...batch.labelRows]).toEqual([1, 32]);
    expect([...batch.labelTargets]).toEqual([4, 7]);
  });
});

it('a batch of sources and targets lets the decoder read the target one token late', () => {
  const target = (...ids: number[]): RowTarget => ({
    kind: 'sequence',
    ids: Uint32Array.from(ids),
    decoderStartTokenId: 9,
  });
  const long = Array.from({ length: 40 }, (_, i) => i + 10);
  const batch = collate([row([5, 6, 1], target(7, 8, 1)), row([5, 1], target(...long))], 32);
  expect(batch.tokens).toBe(32);
  expect(batch.decoder?.tokens).toBe(64);
  expect([...batch.decoder!.inputIds.subarray(0, 5)]).toEqual([9, 7, 8, 0, 0]);
  expect([...batch.decoder!.inputIds.subarray(64, 64 + 41)]).toEqual([9, ...long.slice(0, -1), 0]);
  expect([...batch.decoder!.lengths]).toEqual([3, 40]);
  expect([...batch.labelRows].slice(0, 5)).toEqual([0, 1, 2, 64, 65]);
  expect([...batch.labelTargets]).toEqual([7, 8, 1, ...long]);
  expect(batch.targetCount).toBe(43);
});
