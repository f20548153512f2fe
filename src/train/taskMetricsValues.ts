/** Mean of the squared differences. */
export function meanSquaredError(predicted: ArrayLike<number>, actual: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < actual.length; i++) sum += (predicted[i]! - actual[i]!) ** 2;
  return sum / Math.max(1, actual.length);
}

/** Pearson's correlation, −1 … 1; null where one of the two does not vary. */
export function pearsonCorrelation(predicted: ArrayLike<number>, actual: ArrayLike<number>): number | null {
  const [a, b] = [centered(predicted), centered(actual)];
  const spread = Math.sqrt(dot(a, a) * dot(b, b));
  return spread === 0 ? null : Math.min(1, Math.max(-1, dot(a, b) / spread));
}

/** Spearman's correlation: Pearson's of the ranks, where equal values share the mean of theirs. */
export function spearmanCorrelation(predicted: ArrayLike<number>, actual: ArrayLike<number>): number | null {
  return pearsonCorrelation(ranks(predicted), ranks(actual));
}

function centered(values: ArrayLike<number>): Float64Array {
  const list = Float64Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / Math.max(1, list.length);
  return list.map((value) => value - mean);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranked = new Float64Array(values.length);
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) ranked[order[i]!] = (start + end - 1) / 2;
    start = end;
  }
  return ranked;
}
