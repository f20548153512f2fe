import { UserError } from '../formats/errors.ts';
import type { RowTarget } from './encodedRow.ts';
import type { LabelValue, RowLabel } from './records.ts';

/** Transformers' problem_type, which picks the loss: mean squared error, cross-entropy, binary cross-entropy by label. */
export type ProblemType = 'regression' | 'single_label_classification' | 'multi_label_classification';

/** The outputs of a head as config.json spells them: written beside the adapter and its head. */
export interface LabelMap {
  readonly id2label: Readonly<Record<string, string>>;
  readonly label2id: Readonly<Record<string, number>>;
  /** null for TOKEN_CLS, of which Transformers asks no kind */
  readonly problemType: ProblemType | null;
  readonly numLabels: number;
}

/** What is known of the labels before the rows are seen. */
export interface KnownLabels {
  /** by class number; empty where nothing is known */
  readonly names: readonly string[];
  readonly problemType?: ProblemType;
  /** they are those of a trained head or of the rows trained on: a name that is not among them is refused, not added */
  readonly isFixed: boolean;
}

/** A label and where it stands: 'line 3', or the path of an image. */
export interface PlacedLabel {
  readonly label: RowLabel;
  readonly where: string;
}

/** How the labels of a data set are read. */
export interface LabelScheme {
  readonly map: LabelMap;
  /** What a row with this label is to teach (SEQ_CLS, images). The label is one of those the scheme was made of. */
  targetOf(label: RowLabel): RowTarget;
  /** The class number of one label; undefined where it is none of the classes. */
  classOf(value: LabelValue): number | undefined;
}

/** Where nothing is known and labels are numbers, Transformers' own num_labels. */
const fewestClasses = 2;
/** More classes than anyone has: a number beyond is taken for a mistake. */
const mostClasses = 1 << 16;

/** Transformers' names for outputs that nobody named. */
export function genericNames(count: number): string[] {
  return Array.from({ length: count }, (_, id) => `LABEL_${id}`);
}

/** The map as what is known of further rows, which may not add to it. */
export function fixedLabels(map: LabelMap): KnownLabels {
  const names = Array.from({ length: map.numLabels }, (_, id) => map.id2label[String(id)] ?? `LABEL_${id}`);
  return { names, isFixed: true, ...(map.problemType ? { problemType: map.problemType } : {}) };
}

/**
 * Finds out what the labels of the rows are. The problem type is the known one, else as Transformers tells it: one output or
 * a label that is no whole number is a regression, lists are several labels at once, all else is one class a row. Class
 * numbers have to be below the number of known names; without any, they say how many there are. Names are the known ones
 * where those hold them all, else they count up as they first appear.
 * Throws a UserError that says where a label stands that does not fit, and what would.
 * @param perToken the lists hold a label for each word (TOKEN_CLS)
 */
export function resolveLabels(
  rows: readonly PlacedLabel[],
  known: KnownLabels = { names: [], isFixed: false },
  perToken = false,
): LabelScheme {
  const problemType = perToken ? null : (known.problemType ?? inferProblem(rows, known));
  if (problemType === 'regression') return valueScheme(rows, known);
  if (problemType === 'multi_label_classification') {
    const width = hotWidth(rows, known);
    if (width > 0) return hotScheme(width, known);
  }
  return classScheme(rows, known, problemType);
}

function inferProblem(rows: readonly PlacedLabel[], known: KnownLabels): ProblemType {
  if (known.names.length === 1) return 'regression';
  if (rows.some(({ label }) => isList(label))) return 'multi_label_classification';
  const isValue = ({ label }: PlacedLabel): boolean => typeof label === 'number' && !Number.isInteger(label);
  return rows.some(isValue) ? 'regression' : 'single_label_classification';
}

function valueScheme(rows: readonly PlacedLabel[], known: KnownLabels): LabelScheme {
  const width = known.isFixed ? known.names.length : listOf(rows[0]?.label ?? 0).length;
  for (const { label, where } of rows) {
    const values = listOf(label);
    if (values.length !== width)
      throw new UserError(`The label at ${where} has ${count(values.length, 'value')}; the model estimates ${width}.`);
    const name = values.find((value) => typeof value === 'string');
    if (name !== undefined)
      throw new UserError(`The label ${show(name)} at ${where} is not a number, which a regression needs.`);
  }
  const names = known.names.length === width ? known.names : genericNames(width);
  return {
    map: mapOf(names, 'regression'),
    targetOf: (label) => ({ kind: 'values', values: Float32Array.from(listOf(label), Number) }),
    classOf: () => undefined,
  };
}

/** How many classes rows of 0 and 1 tell of, one of each for every class; 0 where the lists name the classes that hold. */
function hotWidth(rows: readonly PlacedLabel[], known: KnownLabels): number {
  const width = isList(rows[0]?.label) ? rows[0].label.length : 0;
  if (width < 2 || (known.isFixed && width !== known.names.length)) return 0;
  const isHot = ({ label }: PlacedLabel): boolean =>
    isList(label) && label.length === width && label.every((value) => value === 0 || value === 1);
  return rows.every(isHot) ? width : 0;
}

function hotScheme(width: number, known: KnownLabels): LabelScheme {
  const names = known.names.length === width ? known.names : genericNames(width);
  return {
    map: mapOf(names, 'multi_label_classification'),
    targetOf: (label) => ({ kind: 'values', values: Float32Array.from(listOf(label), Number) }),
    classOf: () => undefined,
  };
}

function classScheme(rows: readonly PlacedLabel[], known: KnownLabels, problemType: ProblemType | null): LabelScheme {
  if (problemType === 'single_label_classification') refuseLists(rows);
  const names = nameClasses(rows, known, problemType);
  const idOf = new Map(names.map((name, id) => [name, id]));
  const classOf = (value: LabelValue): number | undefined =>
    isNumber(value) ? numberedClass(value, names.length) : idOf.get(value);
  for (const { label, where } of rows)
    for (const value of listOf(label)) if (classOf(value) === undefined) refuseLabel(value, where, names);
  return {
    map: mapOf(names, problemType),
    classOf,
    targetOf: (label) => {
      const ids = listOf(label).map((value) => classOf(value) ?? 0);
      if (problemType !== 'multi_label_classification') return { kind: 'class', classId: ids[0] ?? 0 };
      const values = new Float32Array(names.length);
      for (const id of ids) values[id] = 1;
      return { kind: 'values', values };
    },
  };
}

function nameClasses(
  rows: readonly PlacedLabel[],
  known: KnownLabels,
  problemType: ProblemType | null,
): readonly string[] {
  const found = new Set<LabelValue>();
  for (const { label } of rows) for (const value of listOf(label)) found.add(value);
  const values = [...found];
  if (known.isFixed) return known.names;
  if (values.every(isNumber)) {
    if (known.names.length > 0) return known.names;
    return genericNames(countClasses(values, rows));
  }
  if (values.every((value) => isNumber(value) || known.names.includes(value))) return known.names;
  const number = values.find(isNumber);
  if (number !== undefined) {
    const where = rows.find(({ label }) => listOf(label).includes(number))?.where ?? '';
    throw new UserError(
      `The label at ${where} is the number ${number}, others are names. Write all as numbers, or all as names.`,
    );
  }
  if (values.length === 1 && problemType !== 'multi_label_classification')
    throw new UserError(
      `Every row has the label ${show(values[0] ?? '')}: there is nothing to tell apart. Add rows of another.`,
    );
  return values.map(String);
}

function countClasses(values: readonly number[], rows: readonly PlacedLabel[]): number {
  const highest = values.reduce((most, value) => Math.max(most, value), fewestClasses - 1);
  if (highest < mostClasses) return Math.floor(highest) + 1;
  const where = rows.find(({ label }) => listOf(label).includes(highest))?.where ?? '';
  throw new UserError(
    `The label ${highest} at ${where} is too high for a class number: they count up from 0. Write labels as names, or set problem_type to regression.`,
  );
}

function refuseLists(rows: readonly PlacedLabel[]): void {
  const row = rows.find(({ label }) => isList(label) && label.length !== 1);
  if (!row) return;
  throw new UserError(
    `The label at ${row.where} is a list, but each row has one class (single_label_classification). Set problem_type to multi_label_classification for several.`,
  );
}

function numberedClass(value: number, classes: number): number | undefined {
  return Number.isInteger(value) && value >= 0 && value < classes ? value : undefined;
}

const shownNames = 12;

function refuseLabel(value: LabelValue, where: string, names: readonly string[]): never {
  const list = names.slice(0, shownNames).join(', ') + (names.length > shownNames ? ', …' : '');
  const range = `0 to ${names.length - 1} (${list})`;
  throw new UserError(
    isNumber(value)
      ? `The label ${value} at ${where} is outside the range ${range}. Correct it, or use a model whose config.json has that many labels, or none yet.`
      : `The label ${show(value)} at ${where} is none of the model's ${names.length}: ${list}. Correct it, or begin with a new head.`,
  );
}

function mapOf(names: readonly string[], problemType: ProblemType | null): LabelMap {
  return {
    id2label: Object.fromEntries(names.map((name, id) => [String(id), name])),
    label2id: Object.fromEntries(names.map((name, id) => [name, id])),
    problemType,
    numLabels: names.length,
  };
}

function isList(label: RowLabel | undefined): label is readonly LabelValue[] {
  return Array.isArray(label);
}

function listOf(label: RowLabel): readonly LabelValue[] {
  return isList(label) ? label : [label];
}

function isNumber(value: LabelValue): value is number {
  return typeof value === 'number';
}

function show(value: LabelValue): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
