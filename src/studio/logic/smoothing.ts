/**
 * Exponential moving average with its start-up bias taken out (the debiasing of Adam, as TensorBoard smooths):
 * s ← w·s + (1 − w)·y, drawn as s ÷ (1 − wⁿ). A value that is not finite stays as it is and does not enter the average.
 */
export function smoothed(values: readonly number[], weight: number): number[] {
  if (weight <= 0) return [...values];
  let sum = 0;
  let seen = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return value;
    sum = weight * sum + (1 - weight) * value;
    seen++;
    return sum / (1 - weight ** seen);
  });
}
