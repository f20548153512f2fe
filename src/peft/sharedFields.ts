import { numberField, patternField, type FieldSchema } from './schema.ts';

/** Wider than any layer that a browser holds: a slip of the finger must not ask for all memory. */
export const mostRank = 16384;

/** Dropout of what an adapted layer reads, under the method's own name for it. */
export function inputDropoutField(name: string): FieldSchema {
  return numberField({
    name,
    label: 'Dropout',
    help: 'Share of the inputs dropped in training, against learning few rows by heart.',
    default: 0,
    minimum: 0,
    maximum: 0.99,
  });
}

export const rankPatternField: FieldSchema = patternField({
  name: 'rank_pattern',
  label: 'Rank by module',
  help: 'Other ranks for some modules, e.g. {"q_proj": 16}.',
  whole: true,
  minimum: 1,
  maximum: mostRank,
});

export const alphaPatternField: FieldSchema = patternField({
  name: 'alpha_pattern',
  label: 'Alpha by module',
  help: 'Other alphas for some modules.',
  whole: false,
  minimum: 0,
});
