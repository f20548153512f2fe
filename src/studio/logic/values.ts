import { formatNumber } from './format.ts';

/** A setting's value as a person reads it. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'automatic';
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (Array.isArray(value)) return value.length > 0 ? value.map(valueText).join(', ') : 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** 'cosine_with_restarts' → 'Cosine with restarts' */
export function choiceText(choice: string): string {
  const words = choice.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
