/** What a mean loss in nats a token is in equally likely choices. */
export function perplexity(loss: number): number {
  return Math.exp(loss);
}

/** Share of texts that are their references, character for character. */
export function exactMatch(predictions: readonly string[], references: readonly string[]): number {
  const right = references.filter((reference, i) => predictions[i] === reference).length;
  return right / Math.max(1, references.length);
}

/** F-measures, 0 … 1, each the mean over the texts. */
export interface RougeScores {
  readonly rouge1: number;
  readonly rouge2: number;
  readonly rougeL: number;
}

/**
 * ROUGE (Lin 2004) as the Python package rouge_score defines it without a stemmer: words are runs of a–z and 0–9 in lower
 * case; rouge1 and rouge2 count words and pairs of words that both texts have, rougeL the longest common subsequence.
 */
export function rouge(predictions: readonly string[], references: readonly string[]): RougeScores {
  const totals = { rouge1: 0, rouge2: 0, rougeL: 0 };
  references.forEach((reference, i) => {
    const wanted = wordsOf(reference);
    const found = wordsOf(predictions[i] ?? '');
    totals.rouge1 += sharedRuns(found, wanted, 1);
    totals.rouge2 += sharedRuns(found, wanted, 2);
    totals.rougeL += fMeasure(longestCommon(found, wanted), found.length, wanted.length);
  });
  const count = Math.max(1, references.length);
  return { rouge1: totals.rouge1 / count, rouge2: totals.rouge2 / count, rougeL: totals.rougeL / count };
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

function fMeasure(shared: number, found: number, wanted: number): number {
  return shared === 0 ? 0 : (2 * shared) / (found + wanted);
}

/** F-measure of runs of n words. */
function sharedRuns(found: readonly string[], wanted: readonly string[], n: number): number {
  const [foundRuns, wantedRuns] = [countRuns(found, n), countRuns(wanted, n)];
  let shared = 0;
  for (const [run, count] of wantedRuns) shared += Math.min(count, foundRuns.get(run) ?? 0);
  return fMeasure(shared, Math.max(0, found.length - n + 1), Math.max(0, wanted.length - n + 1));
}

function countRuns(words: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= words.length; i++) {
    const run = words.slice(i, i + n).join(' ');
    counts.set(run, (counts.get(run) ?? 0) + 1);
  }
  return counts;
}

/** Words of the longest subsequence that both have. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  let lengths = new Uint32Array(b.length + 1);
  for (const word of a) {
    const next = new Uint32Array(b.length + 1);
    for (let i = 0; i < b.length; i++)
      next[i + 1] = word === b[i] ? lengths[i]! + 1 : Math.max(lengths[i + 1]!, next[i]!);
    lengths = next;
  }
  return lengths[b.length]!;
}
