import { UserError } from '../formats/errors.ts';
import { genericNames } from './labels.ts';
import type { KnownLabels, ProblemType } from './labels.ts';

const problemTypes: readonly ProblemType[] = [
  'regression',
  'single_label_classification',
  'multi_label_classification',
];

/**
 * What a config says of labels: id2label, else num_labels, and problem_type, as Transformers writes them.
 * @param isFixed the config is that of a trained head, which has these outputs and no others
 */
export function labelsOfConfig(config: Readonly<Record<string, unknown>>, isFixed: boolean): KnownLabels {
  const problemType = problemTypeOf(config['problem_type']);
  return { names: namesOf(config), isFixed, ...(problemType ? { problemType } : {}) };
}

function namesOf(config: Readonly<Record<string, unknown>>): readonly string[] {
  const { id2label, num_labels: numLabels } = config;
  if (typeof id2label === 'object' && id2label !== null) {
    const entries = Object.entries(id2label).map(([id, name]) => [Number(id), String(name)] as const);
    const names = new Map(entries);
    return entries.map((_, id) => {
      const name = names.get(id);
      if (name !== undefined) return name;
      throw new UserError(
        `config.json: id2label has ${entries.length} names but none for ${id}. Number them from 0 on.`,
      );
    });
  }
  return typeof numLabels === 'number' && Number.isInteger(numLabels) && numLabels > 0 ? genericNames(numLabels) : [];
}

function problemTypeOf(value: unknown): ProblemType | undefined {
  if (value === undefined || value === null) return undefined;
  const known = problemTypes.find((name) => name === value);
  if (known) return known;
  throw new UserError(`problem_type is ${JSON.stringify(value)}; it can be ${problemTypes.join(', ')}.`);
}
