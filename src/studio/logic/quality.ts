import type { ModelQuality } from '../../engine/api.ts';
import { scoreName } from './evaluations.ts';
import { formatCount, formatLoss, formatShare } from './format.ts';

/** A figure before and after quantising. */
export interface QualityColumn {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  /** after − before, of a share; after ÷ before − 1, of anything else; null where one of them is not defined */
  readonly change: number | null;
  readonly isShare: boolean;
}

/** Perplexity and loss of a model that writes; loss and the scores of a classifier, of a regression without those that are no shares. */
export function qualityColumns(before: ModelQuality, after: ModelQuality): readonly QualityColumn[] {
  const scores = Object.keys(before.scores)
    .filter((name) => shares.has(name))
    .map((name) => shareColumn(scoreName(name), before.scores[name] ?? null, after.scores[name] ?? null));
  const perplexity =
    before.perplexity !== undefined && after.perplexity !== undefined
      ? [ratioColumn('Perplexity', before.perplexity, after.perplexity, formatFour)]
      : [];
  return [...perplexity, ...scores, ratioColumn('Loss', before.loss, after.loss, formatLoss)];
}

/** figures of a classifier that lie between 0 and 1 */
const shares: ReadonlySet<string> = new Set(['accuracy', 'f1', 'precision', 'recall', 'f1_macro', 'f1_micro']);

function shareColumn(name: string, before: number | null, after: number | null): QualityColumn {
  const write = (share: number | null): string => (share === null ? 'not defined' : formatShare(share));
  const change = before === null || after === null ? null : after - before;
  return { name, before: write(before), after: write(after), change, isShare: true };
}

function ratioColumn(name: string, before: number, after: number, write: (value: number) => string): QualityColumn {
  return { name, before: write(before), after: write(after), change: after / before - 1, isShare: false };
}

function formatFour(value: number): string {
  return value >= 1000 ? formatCount(Math.round(value)) : value.toPrecision(4);
}

/** '+2.1 %', '−0.4 points', 'the same' */
export function changeText({ change, isShare }: Pick<QualityColumn, 'change' | 'isShare'>): string {
  if (change === null || !Number.isFinite(change)) return '';
  const size = Number((Math.abs(change) * 100).toPrecision(2));
  if (size < 0.05) return 'the same';
  return `${change > 0 ? '+' : '−'}${size} ${isShare ? 'points' : '%'}`;
}
