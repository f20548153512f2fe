export interface SamplingOptions {
  /** 0: the most likely token */
  readonly temperature: number;
  /** keep the most likely tokens whose probabilities reach this sum; 1 keeps all */
  readonly topP: number;
}

/** Index of the largest logit; the first of equals, as torch.argmax on a CPU. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] ?? -Infinity) > (logits[best] ?? -Infinity)) best = i;
  return best;
}

/**
 * Draws a token id from softmax(logits / temperature) cut to its top-p nucleus, as Transformers' TemperatureLogitsWarper and
 * TopPLogitsWarper do.
 * @param random uniform in [0, 1)
 */
export function sampleToken(logits: Float32Array, options: SamplingOptions, random: () => number): number {
  if (options.temperature <= 0) return argmax(logits);
  const highest = logits[argmax(logits)] ?? 0;
  const weights = Array.from(logits, (logit, id) => ({
    id,
    weight: Math.exp((logit - highest) / options.temperature),
  }));
  weights.sort((a, b) => b.weight - a.weight || a.id - b.id);
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  let kept = 0;
  let mass = 0;
  while (kept < weights.length && (kept === 0 || mass < options.topP * total)) mass += weights[kept++]?.weight ?? 0;
  let left = random() * mass;
  for (const { id, weight } of weights.slice(0, kept)) {
    left -= weight;
    if (left <= 0) return id;
  }
  return weights[kept - 1]?.id ?? 0;
}
