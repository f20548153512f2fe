import { ignoredLabel } from './encodedRow.ts';
import type { EncodedRow, RowTarget } from './encodedRow.ts';
import type { LabelMap } from './labels.ts';

/** How often each label occurs in the rows kept. */
export interface LabelReport {
  /** by class number: rows that have it, of TOKEN_CLS words; 0 for one that the rows never use. Empty for a regression. */
  readonly counts: readonly { readonly label: string; readonly count: number }[];
  /** the classes that no row has */
  readonly unused: readonly string[];
  /** a regression: range and mean of its values */
  readonly values?: { readonly least: number; readonly most: number; readonly mean: number };
}

/** @param rows encoded rows, or images: what they are to teach */
export function reportLabels(
  rows: readonly { readonly target?: RowTarget; readonly labels?: EncodedRow['labels'] }[],
  map: LabelMap,
): LabelReport {
  if (map.problemType === 'regression') return { counts: [], unused: [], values: rangeOf(rows) };
  const counts = new Array<number>(map.numLabels).fill(0);
  const add = (id: number): void => {
    counts[id] = (counts[id] ?? 0) + 1;
  };
  for (const { target, labels } of rows) {
    if (target?.kind === 'class') add(target.classId);
    if (target?.kind === 'values') target.values.forEach((value, id) => value === 1 && add(id));
    if (target?.kind === 'tokenClasses') labels?.forEach((label) => label !== ignoredLabel && add(label));
  }
  const named = counts.map((count, id) => ({ label: map.id2label[String(id)] ?? '', count }));
  return { counts: named, unused: named.filter(({ count }) => count === 0).map(({ label }) => label) };
}

function rangeOf(rows: readonly { readonly target?: RowTarget }[]): LabelReport['values'] {
  let least = Infinity;
  let most = -Infinity;
  let sum = 0;
  let count = 0;
  for (const { target } of rows) {
    if (target?.kind !== 'values') continue;
    for (const value of target.values) {
      least = Math.min(least, value);
      most = Math.max(most, value);
      sum += value;
      count++;
    }
  }
  return { least, most, mean: sum / Math.max(1, count) };
}
