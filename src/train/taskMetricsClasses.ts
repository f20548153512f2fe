/** How often rows of each class were taken for each: counts[actual · numLabels + predicted]. */
export interface ConfusionMatrix {
  readonly numLabels: number;
  readonly counts: Uint32Array;
}

/** @param predicted,actual class numbers, one a row */
export function confusionMatrix(
  predicted: ArrayLike<number>,
  actual: ArrayLike<number>,
  numLabels: number,
): ConfusionMatrix {
  const counts = new Uint32Array(numLabels * numLabels);
  for (let row = 0; row < actual.length; row++) counts[actual[row]! * numLabels + predicted[row]!]! += 1;
  return { numLabels, counts };
}

/** Rows of each class, rows taken for it, and rows of which both hold. */
interface ClassTotals {
  readonly actual: number;
  readonly predicted: number;
  readonly both: number;
}

function totalsOf({ numLabels, counts }: ConfusionMatrix): ClassTotals[] {
  return Array.from({ length: numLabels }, (_, label) => {
    let actual = 0;
    let predicted = 0;
    for (let other = 0; other < numLabels; other++) {
      actual += counts[label * numLabels + other]!;
      predicted += counts[other * numLabels + label]!;
    }
    return { actual, predicted, both: counts[label * numLabels + label]! };
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Share of rows that are taken for what they are; 0 of none. */
export function accuracy(matrix: ConfusionMatrix): number {
  const totals = totalsOf(matrix);
  return sum(totals.map(({ both }) => both)) / Math.max(1, sum(totals.map(({ actual }) => actual)));
}

/** 2·precision·recall ÷ (precision + recall); 0 where nothing is right. */
function f1({ actual, predicted, both }: ClassTotals): number {
  return both === 0 ? 0 : (2 * both) / (actual + predicted);
}

/** Mean of the classes' F1, over those that occur among labels or predictions (scikit-learn's f1_score, average='macro'). */
export function macroF1(matrix: ConfusionMatrix): number {
  const present = totalsOf(matrix).filter(({ actual, predicted }) => actual + predicted > 0);
  return sum(present.map(f1)) / Math.max(1, present.length);
}

/**
 * Matthews' correlation of labels and predictions, for any number of classes (Gorodkin 2004, as scikit-learn's
 * matthews_corrcoef): −1 … 1, and 0 where one of them does not vary.
 */
export function matthewsCorrelation(matrix: ConfusionMatrix): number {
  const totals = totalsOf(matrix);
  const rows = sum(totals.map(({ actual }) => actual));
  const right = sum(totals.map(({ both }) => both));
  const covariance = right * rows - sum(totals.map(({ actual, predicted }) => actual * predicted));
  const ofActual = rows ** 2 - sum(totals.map(({ actual }) => actual ** 2));
  const ofPredicted = rows ** 2 - sum(totals.map(({ predicted }) => predicted ** 2));
  return ofActual * ofPredicted === 0 ? 0 : covariance / Math.sqrt(ofActual * ofPredicted);
}

/** Figures of rows that have several labels at once. */
export interface MultiLabelScores {
  /** F1 of all decisions together, and mean of the labels' F1 (of which one that is never right counts 0) */
  readonly microF1: number;
  readonly macroF1: number;
  /** share of rows of which every label is right (scikit-learn's accuracy_score) */
  readonly accuracy: number;
}

/** @param predicted,actual [rows, numLabels] 0 or 1 */
export function multiLabelScores(
  predicted: ArrayLike<number>,
  actual: ArrayLike<number>,
  numLabels: number,
): MultiLabelScores {
  const rows = actual.length / numLabels;
  const totals = Array.from({ length: numLabels }, () => ({ actual: 0, predicted: 0, both: 0 }));
  let right = 0;
  for (let row = 0; row < rows; row++) {
    let isRight = true;
    totals.forEach((total, label) => {
      const isActual = actual[row * numLabels + label] === 1;
      const isPredicted = predicted[row * numLabels + label] === 1;
      total.actual += Number(isActual);
      total.predicted += Number(isPredicted);
      total.both += Number(isActual && isPredicted);
      isRight &&= isActual === isPredicted;
    });
    right += Number(isRight);
  }
  const whole = {
    actual: sum(totals.map(({ actual }) => actual)),
    predicted: sum(totals.map(({ predicted }) => predicted)),
    both: sum(totals.map(({ both }) => both)),
  };
  return { microF1: f1(whole), macroF1: sum(totals.map(f1)) / numLabels, accuracy: right / Math.max(1, rows) };
}
