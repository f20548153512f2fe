import type { ProblemType } from '../data/labels.ts';
import {
  accuracy,
  confusionMatrix,
  macroF1,
  matthewsCorrelation,
  multiLabelScores,
  type ConfusionMatrix,
} from './taskMetricsClasses.ts';
import { exactMatch, rouge } from './taskMetricsText.ts';
import { meanSquaredError, pearsonCorrelation, spearmanCorrelation } from './taskMetricsValues.ts';

/** Figures by the names that a run's log has them under, behind `eval_`; null for one that the rows do not define. */
export interface TaskMetrics {
  readonly scores: Readonly<Record<string, number | null>>;
  /** one class a row or a word */
  readonly confusion?: ConfusionMatrix;
}

/** Logits of one row a text, image or labelled word, and the class of each: SEQ_CLS with one label, TOKEN_CLS, images. */
export function classMetrics(logits: ArrayLike<number>, classIds: ArrayLike<number>, numLabels: number): TaskMetrics {
  const predicted = Array.from(classIds, (_, row) => largestAt(logits, row * numLabels, numLabels));
  const confusion = confusionMatrix(predicted, classIds, numLabels);
  return {
    scores: {
      accuracy: accuracy(confusion),
      f1_macro: macroF1(confusion),
      matthews_correlation: matthewsCorrelation(confusion),
    },
    confusion,
  };
}

/** Logits and values, [rows, numLabels] each: regression, or several labels a row, of which those with logits above 0 are taken. */
export function valueMetrics(
  logits: ArrayLike<number>,
  values: ArrayLike<number>,
  numLabels: number,
  problemType: Exclude<ProblemType, 'single_label_classification'>,
): TaskMetrics {
  if (problemType === 'regression') {
    return {
      scores: {
        mse: meanSquaredError(logits, values),
        pearson: pearsonCorrelation(logits, values),
        spearman: spearmanCorrelation(logits, values),
      },
    };
  }
  const predicted = Uint8Array.from(logits, (logit) => Number(logit > 0));
  const { microF1, macroF1, accuracy } = multiLabelScores(predicted, values, numLabels);
  return { scores: { f1_micro: microF1, f1_macro: macroF1, accuracy } };
}

/** Generated texts beside what was wanted: SEQ_2_SEQ_LM. */
export function textMetrics(predictions: readonly string[], references: readonly string[]): TaskMetrics {
  return { scores: { ...rouge(predictions, references), exact_match: exactMatch(predictions, references) } };
}

/** Which of `count` values is the largest; the first of equals. */
function largestAt(values: ArrayLike<number>, start: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[start + i]! > values[start + best]!) best = i;
  return best;
}
