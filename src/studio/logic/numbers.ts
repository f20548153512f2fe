import { formatNumber } from './format.ts';

export type NumberReading =
  { readonly value: number; readonly problem?: undefined } | { readonly value?: undefined; readonly problem: string };

/** Reads what a person typed; the problem is one sentence for them. */
export function readNumber(
  text: string,
  kind: 'integer' | 'number',
  minimum = Number.NEGATIVE_INFINITY,
  maximum = Number.POSITIVE_INFINITY,
): NumberReading {
  const trimmed = text.trim();
  const value = Number(trimmed);
  const noun = kind === 'integer' ? 'a whole number' : 'a number';
  if (trimmed === '' || !Number.isFinite(value) || (kind === 'integer' && !Number.isInteger(value))) {
    return { problem: `Type ${noun}${rangeText(minimum, maximum)}.` };
  }
  if (value < minimum || value > maximum) return { problem: `It must be ${noun}${rangeText(minimum, maximum)}.` };
  return { value };
}

function rangeText(minimum: number, maximum: number): string {
  if (Number.isFinite(minimum) && Number.isFinite(maximum))
    return ` from ${formatNumber(minimum)} to ${formatNumber(maximum)}`;
  if (Number.isFinite(minimum)) return `, ${formatNumber(minimum)} or more`;
  return Number.isFinite(maximum) ? `, ${formatNumber(maximum)} or less` : '';
}
