import { describe, expect, it } from 'vitest';
import type { ModelQuality } from '../../engine/api.ts';
import { changeText, qualityColumns } from './quality.ts';

const text = (loss: number): ModelQuality => ({
  task: 'CAUSAL_LM',
  loss,
  perplexity: Math.exp(loss),
  scores: {},
  rows: 8,
});
const classes = (loss: number, accuracy: number | null): ModelQuality => ({
  task: 'SEQ_CLS',
  loss,
  scores: { accuracy, mse: 2 },
  rows: 8,
});

describe('quality before and after', () => {
  it('is perplexity and loss of a model that writes, as a ratio', () => {
    const columns = qualityColumns(text(1), text(1.1));
    expect(columns.map(({ name }) => name)).toEqual(['Perplexity', 'Loss']);
    expect(columns[0]).toMatchObject({ before: '2.718', after: '3.004' });
    expect(columns.map(changeText)).toEqual(['+11 %', '+10 %']);
  });

  it('is the shares of a classifier in points, and its loss', () => {
    const columns = qualityColumns(classes(0.5, 0.9), classes(0.4, 0.875));
    expect(columns.map(({ name }) => name)).toEqual(['Accuracy', 'Loss']);
    expect(columns[0]).toMatchObject({ before: '90 %', after: '87.5 %' });
    expect(columns.map(changeText)).toEqual(['−2.5 points', '−20 %']);
  });

  it('claims nothing where there is no change, or a figure is not defined', () => {
    const columns = qualityColumns(classes(0.5, null), classes(0.5, 0.9));
    expect(columns[0]?.before).toBe('not defined');
    expect(columns.map(changeText)).toEqual(['', 'the same']);
  });
});
