import type { FieldDescription } from '../../engine/api.ts';

export type TextReading =
  { readonly value: unknown; readonly problem?: undefined } | { readonly value?: undefined; readonly problem: string };

/** A field that is typed as one line: names, numbers by module, layer numbers or plain words. */
export function fieldText(field: FieldDescription, value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.join(', ');
  if (field.kind === 'pattern' && typeof value === 'object') {
    return Object.entries(value)
      .map(([name, number]) => `${name}: ${String(number)}`)
      .join(', ');
  }
  return String(value);
}

/** What was typed, as the run file spells it. Nothing typed is the field's default. */
export function readFieldText(field: FieldDescription, text: string): TextReading {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length === 0) return { value: field.default };
  if (field.kind === 'pattern') return readPattern(parts);
  if (field.kind === 'modules') return { value: isRegularExpression(text) ? text.trim() : parts };
  // A text field without a default text holds layer numbers.
  return field.default === null ? readNumbers(parts) : { value: text.trim() };
}

function isRegularExpression(text: string): boolean {
  return /[*+?()[\]|^$\\]/.test(text);
}

function readNumbers(parts: readonly string[]): TextReading {
  const numbers = parts.map(Number);
  return numbers.every((number) => Number.isInteger(number) && number >= 0)
    ? { value: numbers }
    : { problem: 'Type whole numbers with commas between them, such as 0, 1, 2.' };
}

function readPattern(parts: readonly string[]): TextReading {
  const entries = parts.map((part) => {
    const colon = part.lastIndexOf(':');
    return [part.slice(0, colon).trim(), Number(part.slice(colon + 1).trim() || Number.NaN)] as const;
  });
  return entries.every(([name, number]) => name !== '' && Number.isFinite(number))
    ? { value: Object.fromEntries(entries) }
    : { problem: 'Type names and numbers, such as q_proj: 16, v_proj: 4.' };
}
