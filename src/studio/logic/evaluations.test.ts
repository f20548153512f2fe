import { describe, expect, it } from 'vitest';
import type { MetricPoint } from '../../engine/api.ts';
import { confusionTable, scoresOf } from './evaluations.ts';

const point = (step: number, evalScores?: MetricPoint['evalScores']): MetricPoint => ({
  ...{ step, epoch: 1, tokens: 0, time: 0 },
  ...(evalScores && { evalScores }),
});

describe('the figures of a classifier', () => {
  it('are those of the last evaluation, with all before them; one that is not defined has no point', () => {
    const points = [
      point(1),
      point(2, { accuracy: 0.5, matthews_correlation: null }),
      point(4, { accuracy: 0.75, matthews_correlation: 0.5 }),
      point(5),
    ];
    expect(scoresOf(points)).toEqual([
      {
        score: 'accuracy',
        last: 0.75,
        rows: [
          { step: 2, evaluated: 0.5 },
          { step: 4, evaluated: 0.75 },
        ],
      },
      { score: 'matthews_correlation', last: 0.5, rows: [{ step: 4, evaluated: 0.5 }] },
    ]);
    expect(scoresOf([point(1)])).toEqual([]);
  });

  it('confusion is counted by label and shared out by row', () => {
    const [pear, none] = confusionTable(
      [
        [3, 1],
        [0, 0],
      ],
      ['pear'],
    );
    expect(pear).toEqual({
      label: 'pear',
      total: 4,
      cells: [
        { count: 3, share: 0.75 },
        { count: 1, share: 0.25 },
      ],
    });
    expect(none).toMatchObject({ label: '1', total: 0, cells: [{ share: 0 }, { share: 0 }] });
  });
});
