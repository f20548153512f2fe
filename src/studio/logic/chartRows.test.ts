import { describe, expect, it } from 'vitest';
import type { MetricPoint } from '../../engine/api.ts';
import { drawnPoints, lossView, onLogScale, plainView } from './chartRows.ts';

const point = (step: number, rest: Partial<MetricPoint>): MetricPoint => ({
  step,
  epoch: 0,
  tokens: 0,
  time: 0,
  ...rest,
});

describe('lossView', () => {
  it('puts evaluations between the training points, in the order of steps', () => {
    const view = lossView([point(1, { loss: 4 }), point(3, { loss: 2 }), point(2, { evalLoss: 3 })], 0);
    expect(view.rows).toEqual([
      { step: 1, raw: 4, smooth: 4 },
      { step: 2, evaluated: 3 },
      { step: 3, raw: 2, smooth: 2 },
    ]);
  });

  it('counts what is not a number instead of drawing it', () => {
    const view = lossView([point(1, { loss: 4 }), point(2, { loss: Number.NaN })], 0.5);
    expect(view.rows).toHaveLength(1);
    expect(view.notNumbers).toBe(1);
  });

  it('draws a long run with few points and keeps its spike', () => {
    const points = Array.from({ length: 20_000 }, (_, step) =>
      point(step, { loss: step === 7_777 ? 99 : 2 + Math.sin(step) }),
    );
    const { rows } = lossView(points, 0.6);
    expect(rows.length).toBeLessThanOrEqual(drawnPoints);
    expect(rows.some((row) => row.raw === 99)).toBe(true);
  });
});

it('plainView skips points without the figure', () => {
  const view = plainView([point(1, { gradNorm: 2 }), point(2, { evalLoss: 1 })], 'gradNorm');
  expect(view.rows).toEqual([{ step: 1, smooth: 2 }]);
});

it('onLogScale leaves out what has no logarithm', () => {
  expect(
    onLogScale([
      { step: 1, raw: 100, smooth: 0 },
      { step: 2, smooth: -1 },
    ]),
  ).toEqual([{ step: 1, raw: 2 }]);
});
