import type { ModelQuality } from '../../engine/api.ts';
import { scoreName } from './evaluations.ts';
import { formatCount, formatLoss, formatShare, plural } from './format.ts';

/** A figure before and after quantising. */
export interface QualityColumn {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  /** after − before, of a share and of a correlation; after ÷ before − 1, of anything else; null where one of them is not defined */
  readonly change: number | null;
  readonly kind: 'share' | 'correlation' | 'ratio';
}

/** Perplexity and loss of a model that writes; loss and the scores of a classifier, of a regression the correlations among them. */
export function qualityColumns(before: ModelQuality, after: ModelQuality): readonly QualityColumn[] {
  const scores = Object.keys(before.scores).flatMap((name) => {
    const kind = scoreKinds[name];
    return kind ? scoreColumn(name, kind, before.scores[name] ?? null, after.scores[name] ?? null) : [];
  });
  const perplexity =
    before.perplexity !== undefined && after.perplexity !== undefined
      ? [ratioColumn('Perplexity', before.perplexity, after.perplexity, formatFour)]
      : [];
  return [...perplexity, ...scores, ratioColumn('Loss', before.loss, after.loss, formatLoss)];
}

/** Figures between 0 and 1, and between −1 and 1. The mean squared error is a regression's loss. */
const scoreKinds: Readonly<Record<string, 'share' | 'correlation'>> = {
  accuracy: 'share',
  f1: 'share',
  precision: 'share',
  recall: 'share',
  f1_macro: 'share',
  f1_micro: 'share',
  exact_match: 'share',
  matthews_correlation: 'correlation',
  pearson: 'correlation',
  spearman: 'correlation',
};

function scoreColumn(
  name: string,
  kind: 'share' | 'correlation',
  before: number | null,
  after: number | null,
): QualityColumn {
  const write = (score: number | null): string => {
    if (score === null) return 'not defined';
    return kind === 'share' ? formatShare(score) : score.toFixed(3).replace('-', '−');
  };
  const change = before === null || after === null ? null : after - before;
  return { name: scoreName(name), before: write(before), after: write(after), change, kind };
}

function ratioColumn(name: string, before: number, after: number, write: (value: number) => string): QualityColumn {
  return { name, before: write(before), after: write(after), change: after / before - 1, kind: 'ratio' };
}

function formatFour(value: number): string {
  return value >= 1000 ? formatCount(Math.round(value)) : value.toPrecision(4);
}

/** '+2.1 %' of a ratio, '−0.4 points' of a share, '+0.021' of a correlation; 'the same' where it is too small to be told */
export function changeText({ change, kind }: Pick<QualityColumn, 'change' | 'kind'>): string {
  if (change === null || !Number.isFinite(change)) return '';
  const percent = Number((Math.abs(change) * 100).toPrecision(2));
  if (percent < 0.05) return 'the same';
  const sign = change > 0 ? '+' : '−';
  if (kind === 'correlation') return sign + Math.abs(change).toFixed(3);
  return `${sign}${kind === 'share' ? plural(percent, 'point') : `${percent} %`}`;
}
