import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../tokenizer/tokenizer.ts';
import { collate } from './collate.ts';
import { buildDataset } from './dataset.ts';
import type { DataRecord } from './records.ts';

const vocab = Object.fromEntries(['<unk>', '</s>', ...'abcdefgh'].map((token, id) => [token, id]));
const tokenizer = loadTokenizer({
  tokenizerJson: {
    model: { type: 'WordLevel', vocab, unk_token: '<unk>' },
    pre_tokenizer: { type: 'WhitespaceSplit' },
  },
  tokenizerConfig: { eos_token: '</s>' },
});
const row = (number: number, prompt: string, completion: string): DataRecord => ({
  kind: 'promptCompletion',
  prompt,
  completion,
  place: { unit: 'line', number },
});
const options = { maxLength: 4, taskType: 'CAUSAL_LM' } as const;

describe('a data set', () => {
  it('leaves out rows with nothing to learn and says which were cut', async () => {
    const records = [row(1, 'a ', 'b'), row(2, 'a b c d ', 'e'), row(3, 'a b ', 'c d e')];
    const progress: number[] = [];
    const { rows, report } = await buildDataset(records, tokenizer, options, (done) => progress.push(done));
    expect(rows.map(({ ids }) => [...ids])).toEqual([
      [2, 3, 1],
      [2, 3, 4, 5],
    ]);
    expect(report).toMatchObject({
      rows: 2,
      tokens: 7,
      learnedTokens: 4,
      shareLearned: 4 / 7,
      cutRows: [1],
      longest: 4,
    });
    expect(report.problems).toEqual([
      { place: { unit: 'line', number: 2 }, message: expect.stringMatching(/nothing to learn.*max_length/) },
    ]);
    expect(report.lengths.counts.reduce((sum, count) => sum + count, 0)).toBe(2);
    expect(progress.at(-1)).toBe(3);
  });

  it('is refused where no row is left', async () => {
    await expect(buildDataset([row(7, 'a b c d ', 'e')], tokenizer, options)).rejects.toThrow(
      /None of the 1 rows.*line 7/,
    );
    const chat: DataRecord = { kind: 'messages', messages: [], tools: undefined, place: { unit: 'line', number: 1 } };
    await expect(buildDataset([chat, chat], tokenizer, options)).rejects.toThrow(/^The data set holds conversations/);
  });

  it('numbers named classes as the model does, else as they appear', async () => {
    const records = ['x', 'y', 'x'].map((label): DataRecord => ({
      kind: 'labelled',
      text: 'a',
      textPair: undefined,
      label,
      place: { unit: 'line', number: 1 },
    }));
    const asTheyAppear = await buildDataset(records, tokenizer, { maxLength: 8, taskType: 'SEQ_CLS' });
    expect(asTheyAppear.classNames).toEqual(['x', 'y']);
    expect(asTheyAppear.rows.map(({ classId }) => classId)).toEqual([0, 1, 0]);
    const known = await buildDataset(records, tokenizer, {
      maxLength: 8,
      taskType: 'SEQ_CLS',
      classNames: ['z', 'y', 'x'],
    });
    expect(known.rows.map(({ classId }) => classId)).toEqual([2, 1, 2]);
  });
});

describe('a batch', () => {
  it('pads on the right and predicts each learned token from the position before it', async () => {
    const { rows } = await buildDataset([row(1, 'a ', 'b'), row(2, 'a b ', 'c d e')], tokenizer, options);
    const batch = collate(rows, 32);
    expect(batch).toMatchObject({ batchSize: 2, tokens: 32, targetCount: 4 });
    expect([...batch.lengths]).toEqual([3, 4]);
    expect([...batch.inputIds.subarray(0, 5)]).toEqual([2, 3, 1, 0, 0]);
    expect([...batch.inputIds.subarray(32, 37)]).toEqual([2, 3, 4, 5, 0]);
    expect([...batch.labelRows]).toEqual([0, 1, 33, 34]);
    expect([...batch.labelTargets]).toEqual([3, 1, 4, 5]);
    expect(batch.classIds).toBeUndefined();
  });

  it('never predicts the first token of a row, and takes whole buckets', () => {
    const long = { ids: new Uint32Array(65).fill(2), labels: new Int32Array(65).fill(2), cut: false };
    const batch = collate([long, long], 64);
    expect(batch.tokens).toBe(128);
    expect(batch.targetCount).toBe(128);
    expect([...batch.labelRows].slice(62, 66)).toEqual([62, 63, 128, 129]);
  });

  it('holds classes and types where the rows have them', () => {
    const pair = {
      ids: Uint32Array.of(5, 6),
      labels: Int32Array.of(-100, -100),
      cut: false,
      classId: 3,
      typeIds: Uint8Array.of(0, 1),
    };
    const batch = collate([pair], 32);
    expect(batch.targetCount).toBe(0);
    expect([...batch.classIds!]).toEqual([3]);
    expect([...batch.typeIds!.subarray(0, 3)]).toEqual([0, 1, 0]);
  });
});
