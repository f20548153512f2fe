import { expect, it } from 'vitest';
import type { DataCard } from '../../engine/api.ts';
import { evaluationText, rowsInFile } from './rows.ts';

const card = (rest: Partial<DataCard>): DataCard => ({ rows: 90, evalRows: 0, ...rest }) as DataCard;

it('counts held-out rows as rows of the file, and those of an evaluation file not', () => {
  expect(rowsInFile(card({ evalRows: 10 }))).toBe(100);
  expect(rowsInFile(card({ evalRows: 10, evalName: 'eval.jsonl' }))).toBe(90);
});

it('says where the evaluation rows come from', () => {
  expect(evaluationText(card({}))).toBe('all for training');
  expect(evaluationText(card({ evalRows: 10 }))).toBe('10 held out to evaluate');
  expect(evaluationText(card({ evalRows: 10, evalName: 'eval.jsonl' }))).toBe('10 more in eval.jsonl to evaluate');
});
