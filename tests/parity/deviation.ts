import type { FloatTensor } from '../../src/formats/floatTensors.ts';

/** The largest |ours − theirs| ÷ |theirs| of two lists. */
export function worstRelative(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length) return Infinity;
  return Math.max(0, ...theirs.map((value, i) => Math.abs((ours[i] ?? NaN) - value) / Math.abs(value)));
}

/** The largest |ours − theirs| ÷ the largest |theirs|. */
export function worstOfLargest(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length) return Infinity;
  const largest = Math.max(...theirs.map(Math.abs));
  return Math.max(...theirs.map((value, i) => Math.abs((ours[i] ?? NaN) - value))) / largest;
}

/**
 * ‖ours − theirs‖ ÷ ‖theirs − initial‖ over all tensors together: how far training went astray, as a share of how far it went. A tensor
 * that training cut to another size is taken to have started at 0.
 */
export function weightDeviation(
  ours: ReadonlyMap<string, FloatTensor>,
  theirs: ReadonlyMap<string, FloatTensor>,
  initial: ReadonlyMap<string, FloatTensor>,
): number {
  let astray = 0;
  let gone = 0;
  for (const [name, { data }] of theirs) {
    const [our, start] = [ours.get(name)?.data, initial.get(name)?.data];
    const wasCut = start !== undefined && start.length !== data.length;
    data.forEach((value, i) => {
      astray += ((our?.[i] ?? NaN) - value) ** 2;
      gone += (value - (wasCut ? 0 : (start?.[i] ?? NaN))) ** 2;
    });
  }
  return Math.sqrt(astray / gone);
}
