import type { MetricPoint } from '../../engine/api.ts';
import { thinnedIndices } from './lttb.ts';
import { smoothed } from './smoothing.ts';

/** What a chart draws at one step; a line is left out where it has no value there. */
export interface ChartRow {
  readonly step: number;
  readonly raw?: number;
  readonly smooth?: number;
  readonly evaluated?: number;
}

export interface ChartView {
  readonly rows: readonly ChartRow[];
  /** steps whose value is not a number, which no line can show */
  readonly notNumbers: number;
}

/** Points drawn on one line: above this recharts takes longer than a frame. */
export const drawnPoints = 500;

/** Loss with its smoothed line and the evaluations. */
export function lossView(points: readonly MetricPoint[], weight: number): ChartView {
  const training = points.filter((point) => point.loss !== undefined);
  const all = training.map((point) => point.loss ?? Number.NaN);
  const smooth = smoothed(all, weight);
  const finite = all.flatMap((loss, index) => (Number.isFinite(loss) ? [index] : []));
  const kept = thin(
    finite.map((index) => training[index]?.step ?? 0),
    finite.map((index) => all[index] ?? 0),
  );
  const rows: ChartRow[] = kept.map((place) => {
    const index = finite[place] ?? 0;
    return { step: training[index]?.step ?? 0, raw: all[index] ?? 0, smooth: smooth[index] ?? 0 };
  });
  for (const point of points) {
    if (point.evalLoss !== undefined && Number.isFinite(point.evalLoss)) {
      rows.push({ step: point.step, evaluated: point.evalLoss });
    }
  }
  return { rows: rows.sort((a, b) => a.step - b.step), notNumbers: all.length - finite.length };
}

/** One figure of each point, such as the learning rate. */
export function plainView(points: readonly MetricPoint[], name: 'learningRate' | 'gradNorm' | 'regLoss'): ChartView {
  const known = points.filter((point) => point[name] !== undefined);
  const finite = known.filter((point) => Number.isFinite(point[name]));
  const kept = thin(
    finite.map((point) => point.step),
    finite.map((point) => point[name] ?? 0),
  );
  return {
    rows: kept.map((index) => ({ step: finite[index]?.step ?? 0, smooth: finite[index]?.[name] ?? 0 })),
    notNumbers: known.length - finite.length,
  };
}

function thin(xs: readonly number[], ys: readonly number[]): number[] {
  return thinnedIndices(xs, ys, drawnPoints);
}

/** The rows on a base-10 scale; values of 0 or less have no place on it and are left out. */
export function onLogScale(rows: readonly ChartRow[]): readonly ChartRow[] {
  return rows.flatMap(({ step, raw, smooth, evaluated }) => {
    const row: { step: number; raw?: number; smooth?: number; evaluated?: number } = { step };
    if (raw !== undefined && raw > 0) row.raw = Math.log10(raw);
    if (smooth !== undefined && smooth > 0) row.smooth = Math.log10(smooth);
    if (evaluated !== undefined && evaluated > 0) row.evaluated = Math.log10(evaluated);
    return Object.keys(row).length > 1 ? [row] : [];
  });
}
