import { UserError } from '../formats/errors.ts';

/** A JSON object whose fields are still to be checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as an object, or a UserError that says which part of which file is not one. */
export function objectAt(value: unknown, where: string): JsonObject {
  if (isObject(value)) return value;
  throw new UserError(`${where} is not an object. The file is damaged or of another kind: download it again.`);
}

/** The value as an array; an absent one is empty. */
export function arrayAt(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new UserError(`${where} is not a list. The file is damaged or of another kind: download it again.`);
}

export function stringAt(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  throw new UserError(`${where} is not text. The file is damaged or of another kind: download it again.`);
}

export function integerAt(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw new UserError(`${where} is not a whole number. The file is damaged or of another kind: download it again.`);
}
