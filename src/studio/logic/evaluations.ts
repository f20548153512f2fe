import type { MetricPoint } from '../../engine/api.ts';
import type { ChartRow } from './chartRows.ts';

/** Figures that a classifier is measured by, in the order in which they are shown. */
const names: Readonly<Record<string, string>> = {
  accuracy: 'Accuracy',
  f1: 'F1 of entities',
  precision: 'Precision of entities',
  recall: 'Recall of entities',
  f1_macro: 'Macro F1',
  f1_micro: 'Micro F1',
  matthews_correlation: 'Matthews correlation',
  mse: 'Mean squared error',
  pearson: 'Pearson correlation',
  spearman: 'Spearman correlation',
  exact_match: 'Exact match',
};

export function scoreName(score: string): string {
  return names[score] ?? score.replaceAll('_', ' ');
}

export interface Score {
  readonly score: string;
  /** null where the rows do not define it */
  readonly last: number | null;
  /** one a time it was measured */
  readonly rows: readonly ChartRow[];
}

/** A classifier's figures as the run went on. */
export function scoresOf(points: readonly MetricPoint[]): readonly Score[] {
  const measured = points.flatMap(({ step, evalScores }) => (evalScores ? [{ step, evalScores }] : []));
  const last = measured.at(-1)?.evalScores ?? {};
  return Object.entries(last).map(([score, value]) => ({
    score,
    last: value,
    rows: measured.flatMap(({ step, evalScores }) => {
      const evaluated = evalScores[score];
      return typeof evaluated === 'number' ? [{ step, evaluated }] : [];
    }),
  }));
}

export interface ConfusionRow {
  readonly label: string;
  /** rows that have the label */
  readonly total: number;
  /** by the label that was guessed: how many, and which share of `total` */
  readonly cells: readonly { readonly count: number; readonly share: number }[];
}

/** @param labels by class; numbers where they are not known */
export function confusionTable(
  confusion: readonly (readonly number[])[],
  labels: readonly string[],
): readonly ConfusionRow[] {
  return confusion.map((counts, id) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const cells = counts.map((count) => ({ count, share: total === 0 ? 0 : count / total }));
    return { label: labels[id] ?? String(id), total, cells };
  });
}
