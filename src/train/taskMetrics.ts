import type { ProblemType } from '../data/labels.ts';
import {
  accuracy,
  confusionMatrix,
  macroF1,
  matthewsCorrelation,
  multiLabelScores,
  type ConfusionMatrix,
} from './taskMetricsClasses.ts';
import { areEntityTags, entityScores } from './taskMetricsEntities.ts';
import { exactMatch, rouge } from './taskMetricsText.ts';
import { meanSquaredError, pearsonCorrelation, spearmanCorrelation } from './taskMetricsValues.ts';

/** Figures by the names that a run's log has them under, behind `eval_`; null for one that the rows do not define. */
export interface TaskMetrics {
  readonly scores: Readonly<Record<string, number | null>>;
  /** one class a row or a word */
  readonly confusion?: ConfusionMatrix;
}

/** Of words with labels (TOKEN_CLS): the names of the labels, and the text that each word stands in. */
export interface LabelledWords {
  readonly names: readonly string[];
  readonly texts: readonly number[];
}

/**
 * Logits of one row a text, image or labelled word, and the class of each: SEQ_CLS with one label, TOKEN_CLS, images. Where labels mark
 * entities (B-PER, I-PER, O), these are scored whole, as is usual for them; accuracy is that of words.
 */
export function classMetrics(
  logits: ArrayLike<number>,
  classIds: ArrayLike<number>,
  numLabels: number,
  words?: LabelledWords,
): TaskMetrics {
  const predicted = Array.from(classIds, (_, row) => largestAt(logits, row * numLabels, numLabels));
  const confusion = confusionMatrix(predicted, classIds, numLabels);
  if (words && areEntityTags(words.names)) {
    const labels = (ids: ArrayLike<number>) => labelsByText(ids, words);
    return {
      scores: { ...entityScores(labels(predicted), labels(classIds)), accuracy: accuracy(confusion) },
      confusion,
    };
  }
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

function labelsByText(classIds: ArrayLike<number>, { names, texts }: LabelledWords): string[][] {
  const rows = new Map<number, string[]>();
  texts.forEach((text, word) => {
    const row = rows.get(text) ?? [];
    row.push(names[classIds[word] ?? 0] ?? 'O');
    rows.set(text, row);
  });
  return [...rows.values()];
}

/** Which of `count` values is the largest; the first of equals. */
function largestAt(values: ArrayLike<number>, start: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[start + i]! > values[start + best]!) best = i;
  return best;
}
