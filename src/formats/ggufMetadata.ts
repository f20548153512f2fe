import { UserError } from './errors.ts';

/** 64-bit integers beyond 2⁵³ are rounded here; `integer` refuses them. */
export type GgufValue = number | boolean | string | readonly GgufValue[];

/**
 * The key-value pairs of a GGUF file. A getter throws a UserError that names file and key where the key is absent and no
 * fallback is given, or where its value has another type.
 */
export class GgufMetadata {
  constructor(
    private readonly fileName: string,
    private readonly values: ReadonlyMap<string, GgufValue>,
  ) {}

  /** Every pair, for a reader that checks values itself. */
  all(): ReadonlyMap<string, GgufValue> {
    return this.values;
  }

  keys(): string[] {
    return [...this.values.keys()];
  }

  has(key: string): boolean {
    return this.values.has(key);
  }

  string(key: string, fallback?: string): string {
    return this.typed(key, 'a text', isString, fallback);
  }

  boolean(key: string, fallback?: boolean): boolean {
    return this.typed(key, 'true or false', isBoolean, fallback);
  }

  number(key: string, fallback?: number): number {
    return this.typed(key, 'a number', isNumber, fallback);
  }

  integer(key: string, fallback?: number): number {
    return this.typed(key, 'a whole number', isInteger, fallback);
  }

  strings(key: string, fallback?: readonly string[]): readonly string[] {
    return this.typed(key, 'a list of texts', isStringArray, fallback);
  }

  numbers(key: string, fallback?: readonly number[]): readonly number[] {
    return this.typed(key, 'a list of numbers', isNumberArray, fallback);
  }

  booleans(key: string, fallback?: readonly boolean[]): readonly boolean[] {
    return this.typed(key, 'a list of true or false', isBooleanArray, fallback);
  }

  private typed<T extends GgufValue>(
    key: string,
    wanted: string,
    is: (value: GgufValue) => value is T,
    fallback?: T,
  ): T {
    const value = this.values.get(key);
    if (value === undefined) {
      if (fallback !== undefined) return fallback;
      throw new UserError(
        `${this.fileName} lacks ${key}, which is needed to use the model. Convert or download the model again.`,
      );
    }
    if (!is(value))
      throw new UserError(`${key} in ${this.fileName} is not ${wanted}. Convert or download the model again.`);
    return value;
  }
}

const isString = (value: GgufValue): value is string => typeof value === 'string';
const isBoolean = (value: GgufValue): value is boolean => typeof value === 'boolean';
const isNumber = (value: GgufValue): value is number => typeof value === 'number';
const isInteger = (value: GgufValue): value is number => Number.isSafeInteger(value);
const isStringArray = (value: GgufValue): value is string[] => Array.isArray(value) && value.every(isString);
const isNumberArray = (value: GgufValue): value is number[] => Array.isArray(value) && value.every(isNumber);
const isBooleanArray = (value: GgufValue): value is boolean[] => Array.isArray(value) && value.every(isBoolean);
