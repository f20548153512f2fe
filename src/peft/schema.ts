import * as v from 'valibot';
import { UserError } from '../formats/errors.ts';

/** One field of a method or a run: what the form shows, the YAML reader checks and adapter_config.json spells. */
export interface FieldSchema {
  /** Hugging Face's spelling */
  readonly name: string;
  readonly label: string;
  /** one plain sentence */
  readonly help: string;
  readonly kind: 'integer' | 'number' | 'boolean' | 'choice' | 'modules' | 'text' | 'pattern';
  readonly default: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly choices?: readonly string[];
  /** what a value must be, where `kind` does not say it */
  readonly expected?: string;
  /** folded away in the form */
  readonly advanced: boolean;
  /** says how the parameters are trained or stored, not what they compute: not in PEFT's adapter_config.json, and free to change where an adapter is continued */
  readonly trainingOnly?: boolean;
  /** what a value may be; decides for the YAML reader */
  readonly schema: v.GenericSchema<unknown, unknown>;
}

type Words = Pick<FieldSchema, 'name' | 'label' | 'help' | 'trainingOnly'> & { readonly advanced?: boolean };

interface NumberField extends Words {
  readonly default: number;
  readonly minimum: number;
  readonly maximum?: number;
}

export function integerField(field: NumberField): FieldSchema {
  return {
    ...field,
    advanced: field.advanced ?? false,
    kind: 'integer',
    schema: bounded(v.pipe(v.number(), v.integer()), field),
  };
}

export function numberField(field: NumberField): FieldSchema {
  return { ...field, advanced: field.advanced ?? false, kind: 'number', schema: bounded(v.number(), field) };
}

function bounded(
  schema: v.GenericSchema<unknown, number>,
  { minimum, maximum = Number.MAX_VALUE }: NumberField,
): v.GenericSchema<unknown, number> {
  return v.pipe(schema, v.minValue(minimum), v.maxValue(maximum));
}

/** A whole number, or null, by which the method chooses. */
export function optionalIntegerField(
  field: Words & { readonly minimum: number; readonly maximum: number },
): FieldSchema {
  const { default: _, ...number } = integerField({ ...field, default: field.minimum });
  return { ...number, default: null, schema: v.nullable(number.schema) };
}

export function booleanField(field: Words & { readonly default: boolean }): FieldSchema {
  return { ...field, advanced: field.advanced ?? false, kind: 'boolean', schema: v.boolean() };
}

/** @param field.forNull the choice that PEFT spells as null */
export function choiceField(
  field: Words & {
    readonly default: string | boolean;
    readonly choices: readonly string[];
    readonly forNull?: string;
  },
): FieldSchema {
  return {
    ...field,
    advanced: field.advanced ?? false,
    kind: 'choice',
    schema: v.pipe(
      v.unknown(),
      v.transform((value) => (typeof value === 'boolean' ? String(value) : (value ?? field.forNull))),
      v.picklist(field.choices),
      // adapter_config.json spells true and false as such
      v.transform((value) => (value === 'true' ? true : value === 'false' ? false : value)),
    ),
  };
}

/** Module names as a list, a regular expression, or null for none. */
export function modulesField(field: Words & { readonly default: readonly string[] | null }): FieldSchema {
  return {
    ...field,
    advanced: field.advanced ?? false,
    kind: 'modules',
    schema: v.nullable(v.union([v.string(), v.array(v.string())])),
  };
}

/** { module pattern: value }; a pattern is a module name or a regular expression. */
export function patternField(
  field: Words & { readonly whole: boolean; readonly minimum: number; readonly maximum?: number },
): FieldSchema {
  const number = v.pipe(v.number(), v.minValue(field.minimum), v.maxValue(field.maximum ?? Number.MAX_VALUE));
  return {
    ...field,
    advanced: true,
    kind: 'pattern',
    default: {},
    schema: v.nullable(v.record(v.string(), field.whole ? v.pipe(number, v.integer()) : number)),
  };
}

/** { name: [true, false, …] }; null where there is none. */
export function masksField(field: Words): FieldSchema {
  return {
    ...field,
    advanced: true,
    kind: 'pattern',
    default: null,
    schema: v.nullable(v.record(v.string(), v.array(v.boolean()))),
  };
}

const layerNumber = v.pipe(v.number(), v.integer(), v.minValue(0));

export function integersField(field: Words): FieldSchema {
  return {
    ...field,
    advanced: true,
    kind: 'text',
    default: null,
    schema: v.nullable(v.union([layerNumber, v.array(layerNumber)])),
  };
}

/** adapter_config.json spells an empty text as null. */
const plainText = v.pipe(
  v.nullable(v.string()),
  v.transform((text) => text ?? ''),
);

/** A path or a name; empty where none is given. */
export function textField(field: Words): FieldSchema {
  return { ...field, advanced: field.advanced ?? false, kind: 'text', default: '', schema: plainText };
}

/** The values of the fields, with defaults where none is given. Throws a UserError that names the first field that is wrong. */
export function readFields(
  schemas: readonly FieldSchema[],
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const field of schemas) {
    const value = given[field.name];
    if (value === undefined) {
      values[field.name] = field.default;
      continue;
    }
    const checked = v.safeParse(field.schema, value);
    if (!checked.success)
      throw new UserError(`${field.name}: ${JSON.stringify(value)} does not work; ${expectation(field)}.`);
    values[field.name] = checked.output;
  }
  return values;
}

/** The values that an adapter's config keeps. */
export function savedFields(
  schemas: readonly FieldSchema[],
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const kept = schemas.filter(({ trainingOnly }) => trainingOnly !== true);
  return Object.fromEntries(kept.map(({ name }) => [name, values[name]]));
}

function expectation(field: FieldSchema): string {
  if (field.expected !== undefined) return field.expected;
  const range =
    field.maximum === undefined
      ? `of ${String(field.minimum)} or more`
      : `from ${String(field.minimum)} to ${String(field.maximum)}`;
  switch (field.kind) {
    case 'integer':
      return `it must be a whole number ${range}`;
    case 'number':
      return `it must be a number ${range}`;
    case 'boolean':
      return 'it must be true or false';
    case 'choice':
      return `it must be ${field.choices?.length === 1 ? '' : 'one of '}${(field.choices ?? []).join(', ')}`;
    case 'modules':
      return 'it must be a list of module names or one regular expression';
    case 'pattern':
      if (field.minimum === undefined) return 'it must map names to lists of true and false';
      return `it must map module names to ${field.maximum === undefined ? '' : 'whole '}numbers ${range}`;
    case 'text':
      return field.default === null ? 'it must be a whole number or a list of them' : 'it must be text';
  }
}
