import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../tokenizer/tokenizer.ts';
import { buildDataset } from './dataset.ts';
import { fixedLabels } from './labels.ts';
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

  it('says how often each label occurs, and takes the labels of other rows as they are', async () => {
    const labelled = (label: string, number: number): DataRecord => ({
      kind: 'labelled',
      text: 'a b c d e',
      textPair: undefined,
      label,
      place: { unit: 'line', number },
    });
    const records = ['x', 'y', 'x'].map(labelled);
    const classify = { maxLength: 4, taskType: 'SEQ_CLS' } as const;
    const trained = await buildDataset(records, tokenizer, classify);
    expect(trained.labels).toMatchObject({ id2label: { 0: 'x', 1: 'y' }, numLabels: 2 });
    expect(trained.rows.map(({ target }) => target)).toEqual([0, 1, 0].map((classId) => ({ kind: 'class', classId })));
    expect(trained.report).toMatchObject({ learnedTokens: 3, cutRows: [0, 1, 2] });
    expect(trained.report.labels?.counts).toEqual([
      { label: 'x', count: 2 },
      { label: 'y', count: 1 },
    ]);
    const labels = fixedLabels(trained.labels!);
    const measured = await buildDataset([labelled('y', 1)], tokenizer, { ...classify, labels });
    expect(measured.rows[0]?.target).toEqual({ kind: 'class', classId: 1 });
    expect(measured.report.labels?.unused).toEqual(['x']);
    await expect(buildDataset([labelled('z', 7)], tokenizer, { ...classify, labels })).rejects.toThrow(
      /"z" at line 7.*x, y/,
    );
  });

  it('leaves out rows without what the task needs', async () => {
    const text: DataRecord = { kind: 'text', text: 'a', place: { unit: 'line', number: 1 } };
    const labelled: DataRecord = { ...text, kind: 'labelled', textPair: undefined, label: 0 };
    const { rows, report } = await buildDataset([text, labelled], tokenizer, { maxLength: 8, taskType: 'SEQ_CLS' });
    expect(rows).toHaveLength(1);
    expect(report.problems[0]?.message).toContain('no label');
    await expect(buildDataset([labelled], tokenizer, { maxLength: 8, taskType: 'TOKEN_CLS' })).rejects.toThrow(
      /TOKEN_CLS.*list of tokens/,
    );
    await expect(
      buildDataset([row(1, 'a', 'b')], tokenizer, { maxLength: 8, taskType: 'SEQ_2_SEQ_LM' }),
    ).rejects.toThrow(/decoder_start_token_id/);
  });
});
