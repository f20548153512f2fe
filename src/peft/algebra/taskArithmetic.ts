import { randomUniforms } from '../randomNumbers.ts';

/** Whose sign counts at a place: that of the sum of the values, or that which most values have. */
export type MajoritySignMethod = 'total' | 'frequency';

/** What is done to tensors of one shape before and while they are added up. */
export interface MergeRule {
  /** keeps a share of each tensor's values: the largest, or random ones that are scaled up for those that are gone (DARE) */
  readonly pruning?: 'magnitude' | 'random';
  /** TIES: at each place only values of the elected sign count, and the sum is divided by their number */
  readonly electsSign: boolean;
}

export interface MergeOptions {
  /** share of the values that pruning keeps, above 0 and up to 1 */
  readonly density: number;
  readonly majoritySignMethod: MajoritySignMethod;
  /** of the random choice */
  readonly seed: number;
}

/**
 * One tensor from several, as PEFT 0.21's utils/merge_utils.py computes it, rounded to single precision where PEFT rounds. Only the
 * random choice differs: it depends on the seed, the name and the tensor's place in the list.
 */
export function mergeTensors(
  name: string,
  tensors: readonly Float32Array[],
  weights: readonly number[],
  { pruning, electsSign }: MergeRule,
  { density, majoritySignMethod, seed }: MergeOptions,
): Float32Array {
  const pruned = tensors.map((tensor, i) => {
    if (pruning === undefined || density >= 1) return tensor;
    return pruning === 'magnitude' ? keepLargest(tensor, density) : keepRandom(tensor, density, seed, `${name} ${i}`);
  });
  const singles = Float32Array.from(weights);
  return electsSign ? disjointMean(pruned, singles, majoritySignMethod) : weightedSum(pruned, singles);
}

/** Keeps ⌊density · length⌋ values. Of equal ones that do not all fit, those that come first stay. */
function keepLargest(tensor: Float32Array, density: number): Float32Array {
  const count = Math.trunc(density * tensor.length);
  const sorted = tensor.map(Math.abs).sort();
  const least = sorted[tensor.length - count] ?? Infinity;
  let left = count - (tensor.length - firstAbove(sorted, least));
  return tensor.map((x) => {
    if (Math.abs(x) > least) return x;
    return Math.abs(x) === least && left-- > 0 ? x : 0;
  });
}

/** The index of the first value above `value` in a sorted list. */
function firstAbove(sorted: Float32Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function keepRandom(tensor: Float32Array, density: number, seed: number, name: string): Float32Array {
  const draws = randomUniforms(tensor.length, seed, name);
  return tensor.map((x, i) => ((draws[i] ?? 1) < density ? x / density : 0));
}

function weightedSum(tensors: readonly Float32Array[], weights: Float32Array): Float32Array {
  const sum = new Float32Array(tensors[0]?.length ?? 0);
  for (const [t, tensor] of tensors.entries()) {
    const weight = weights[t] ?? 0;
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + Math.fround((tensor[i] ?? 0) * weight);
  }
  return sum;
}

/** The sign is elected among the values as they are, without their weights. */
function disjointMean(
  tensors: readonly Float32Array[],
  weights: Float32Array,
  method: MajoritySignMethod,
): Float32Array {
  const ballot = method === 'total' ? tensors : tensors.map((tensor) => tensor.map(Math.sign));
  const votes = weightedSum(ballot, new Float32Array(tensors.length).fill(1));
  return votes.map((vote, i) => {
    const elected = vote >= 0 ? 1 : -1;
    let [sum, count] = [0, 0];
    for (const [t, tensor] of tensors.entries()) {
      const x = tensor[i] ?? 0;
      if (Math.sign(x) !== elected) continue;
      sum = Math.fround(sum + Math.fround(x * (weights[t] ?? 0)));
      count++;
    }
    return sum / Math.max(count, 1);
  });
}
