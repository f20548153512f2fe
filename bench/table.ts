import type { Outcome } from './contest.ts';
import { flopsOf, nameOf } from './shapes.ts';

/** Prints rows of cells in columns: the first to the left, the others to the right. */
export function printTable(title: string, header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  console.log(`\n${title}\n\n${[header, ...rows].map(line).join('\n')}`);
}

/** The first contestant's speed, and how many times as long each other one took. */
export function printOutcomes(title: string, outcomes: readonly Outcome[]): void {
  const [ours = '', ...others] = Object.keys(outcomes[0]?.milliseconds ?? {});
  const ratios = (name: string) =>
    outcomes.map(({ milliseconds }) => (milliseconds[name] ?? NaN) / (milliseconds[ours] ?? NaN));
  const rows = outcomes.map(({ product, milliseconds }, i) => {
    const least = milliseconds[ours] ?? NaN;
    const speed = flopsOf(product) / least / 1e6;
    return [
      nameOf(product),
      least.toFixed(1),
      speed.toFixed(2),
      ...others.map((name) => `${(ratios(name)[i] ?? NaN).toFixed(2)}×`),
    ];
  });
  const middle = ['geometric mean', '', '', ...others.map((name) => `${geometricMean(ratios(name)).toFixed(2)}×`)];
  printTable(
    `${title}\nTime of each as a multiple of ${ours}'s`,
    ['', `${ours} ms`, 'GFLOP/s', ...others],
    [...rows, middle],
  );
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
