import type { Outcome } from './contest.ts';
import { flopsOf, nameOf, symbols } from './shapes.ts';

/** Prints rows of cells in columns: the first to the left, the others to the right. */
export function printTable(title: string, header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  console.log(`\n${title}\n\n${[header, ...rows].map(line).join('\n')}`);
}

/** The first contestant's speed, and how many times as long each other one took; at the end the geometric mean of each direction. */
export function printOutcomes(title: string, outcomes: readonly Outcome[]): void {
  const [ours = '', ...others] = [...new Set(outcomes.flatMap(({ milliseconds }) => Object.keys(milliseconds)))];
  const ratio = ({ milliseconds }: Outcome, name: string) => (milliseconds[name] ?? NaN) / (milliseconds[ours] ?? NaN);
  const rows = outcomes.map((outcome) => {
    const least = outcome.milliseconds[ours] ?? NaN;
    const speed = flopsOf(outcome.product) / least / 1e6;
    const cells = [nameOf(outcome.product), least.toFixed(1), speed.toFixed(2)];
    return [...cells, ...others.map((name) => multiple(ratio(outcome, name)))];
  });
  const means = (['forward', 'backward'] as const).map((direction) => {
    const chosen = outcomes.filter(({ product }) => product.direction === direction);
    const ratios = (name: string) => chosen.map((outcome) => ratio(outcome, name)).filter(Number.isFinite);
    const cells = others.map((name) => multiple(geometricMean(ratios(name))));
    return [`geometric mean, ${symbols[direction]}`, '', '', ...cells];
  });
  const header = ['', `${ours} ms`, 'GFLOP/s', ...others];
  printTable(`${title}\nTime of each as a multiple of ${ours}'s`, header, [...rows, ...means]);
}

/** '–' where a contestant cannot compute the product. */
function multiple(ratio: number): string {
  return Number.isFinite(ratio) ? `${ratio.toFixed(2)}×` : '–';
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
