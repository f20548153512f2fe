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

  it('is a correlation between −1 and 1 as it is', () => {
    const scored = (matthews_correlation: number): ModelQuality => ({
      ...classes(1, 0.5),
      scores: { matthews_correlation },
    });
    const [correlation] = qualityColumns(scored(0.25), scored(-0.0714));
    expect(correlation).toMatchObject({ name: 'Matthews correlation', before: '0.250', after: '−0.071' });
    expect(correlation && changeText(correlation)).toBe('−0.321');
  });

  it('counts one point as one', () => {
    expect(changeText({ change: 0.01, kind: 'share' })).toBe('+1 point');
    expect(changeText({ change: -0.02, kind: 'share' })).toBe('−2 points');
  });

  it('claims nothing where there is no change, or a figure is not defined', () => {
    const columns = qualityColumns(classes(0.5, null), classes(0.5, 0.9));
    expect(columns[0]?.before).toBe('not defined');
    expect(columns.map(changeText)).toEqual(['', 'the same']);
  });
});
