/** One row as parsed: its columns by name. */
export type Row = Readonly<Record<string, unknown>>;

/** What is wrong with a row, in words for its owner. */
export class RowError extends Error {}

export function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

/** The column as text: numbers and booleans as written, nothing for an absent one. */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === undefined || value === null) return '';
  throw new RowError(`has a ${column} that is not text.`);
}

export function nonEmpty(row: Row, column: string): string {
  const text = textOf(row, column);
  if (text.trim() === '') throw new RowError(`has an empty ${column}.`);
  return text;
}

/** A CSV cell that holds JSON. `what` names it in the error. */
export function parseCell(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RowError(`has a list of ${what} that is not valid JSON.`);
  }
}
