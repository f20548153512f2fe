import { methods } from '../peft/registry.ts';
import type { FieldSchema } from '../peft/schema.ts';
import type { FieldDescription, MethodDescription } from './api.ts';
import { runFieldSchemas } from './runFieldSchemas.ts';

/** fields that the forms leave out: other screens ask for them, or the studio has no use for them */
const fieldsElsewhere = new Set([
  'model',
  'dataset',
  'eval_dataset',
  'init_adapter',
  'logging_steps',
  'max_length',
  'loss_on',
  'val_split_ratio',
]);

/** The fields of a run outside its method, for the training part of the form. */
export function trainingFields(): FieldDescription[] {
  return runFieldSchemas.filter(({ name }) => !fieldsElsewhere.has(name)).map(describeField);
}

export function describeMethods(): MethodDescription[] {
  return methods.map(({ peftType, name, summary, group, learningRate, fields }) => ({
    ...{ peftType, name, summary, group, learningRate },
    fields: fields.map(describeField),
  }));
}

function describeField({ schema: _, ...field }: FieldSchema): FieldDescription {
  return field;
}
