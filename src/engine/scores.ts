import type { TaskMetrics } from '../train/taskMetrics.ts';
import { perplexity } from '../train/taskMetricsText.ts';

/** A classifier's figures as Transformers' log names them: eval_accuracy, eval_f1_macro … Those that the rows do not define are left out. */
export function evaluationScores(metrics: TaskMetrics | undefined): Record<string, number> {
  const defined = Object.entries(metrics?.scores ?? {}).filter((score): score is [string, number] => score[1] !== null);
  return Object.fromEntries(defined.map(([name, value]) => [`eval_${name}`, value]));
}

/** For a person: a classifier's figures, or the perplexity of a language model. */
export function tellScores(loss: number, metrics: TaskMetrics | undefined): string {
  if (!metrics) return `perplexity ${perplexity(loss).toPrecision(5)}`;
  return Object.entries(evaluationScores(metrics))
    .map(([name, value]) => `${name.slice('eval_'.length).replaceAll('_', ' ')} ${value.toPrecision(4)}`)
    .join(', ');
}

/** How often rows of each class (a list) were taken for each. */
export function confusionRows({ numLabels, counts }: NonNullable<TaskMetrics['confusion']>): number[][] {
  return Array.from({ length: numLabels }, (_, actual) => [
    ...counts.subarray(actual * numLabels, (actual + 1) * numLabels),
  ]);
}
