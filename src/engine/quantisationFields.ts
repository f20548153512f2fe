import { UserError } from '../formats/errors.ts';
import { booleanField, choiceField, readFields, type FieldSchema } from '../peft/schema.ts';
import type { Quantisation } from '../quant/quantise.ts';
import type { WeightsChoice } from './api.ts';

/** How a model is quantised while it is loaded, in the names of Transformers' BitsAndBytesConfig and with its defaults. */
export const quantisationFields: readonly FieldSchema[] = [
  booleanField({
    name: 'load_in_4bit',
    label: 'Load in 4 bits',
    help: 'The frozen linear layers in NF4 or FP4: a quarter of the memory of 16 bits, at some cost in quality.',
    default: false,
    advanced: true,
  }),
  choiceField({
    name: 'bnb_4bit_quant_type',
    label: '4-bit type',
    help: 'nf4 is made for the way in which weights are distributed.',
    default: 'fp4',
    choices: ['nf4', 'fp4'],
    advanced: true,
  }),
  booleanField({
    name: 'bnb_4bit_use_double_quant',
    label: 'Double quantisation',
    help: 'The scales of 4-bit blocks in 8 bits, too: 4.13 bits a weight instead of 4.5.',
    default: false,
    advanced: true,
  }),
  booleanField({
    name: 'load_in_8bit',
    label: 'Load in 8 bits',
    help: 'The frozen linear layers in INT8: half the memory of 16 bits, at hardly any cost in quality.',
    default: false,
    advanced: true,
  }),
  booleanField({
    name: 'load_embeddings_in_8bit',
    label: 'Embeddings in 8 bits',
    help: 'With one of the above: the embedding and the head in INT8, too, which otherwise stay as they are stored.',
    default: false,
    advanced: true,
  }),
];

/**
 * How the fields of a run ask for the model to be quantised; undefined where they do not. Other fields are left alone. Throws a UserError
 * that names the field.
 */
export function quantisationOf(fields: Readonly<Record<string, unknown>>): Quantisation | undefined {
  const own = quantisationFields.map(({ name }) => [name, fields[name]] as const).filter(([, value]) => value != null);
  const read = readFields(quantisationFields, Object.fromEntries(own));
  const isFour = read['load_in_4bit'] === true;
  const isEight = read['load_in_8bit'] === true;
  const embeddings = read['load_embeddings_in_8bit'] === true;
  if (isFour && isEight) throw new UserError('load_in_4bit and load_in_8bit exclude each other. Keep one of them.');
  if (embeddings && !isFour && !isEight)
    throw new UserError('load_embeddings_in_8bit goes with load_in_4bit or load_in_8bit. Add one of them.');
  if (isEight) return { kind: 'int8', doubleQuant: false, embeddings };
  if (!isFour) return undefined;
  return {
    kind: read['bnb_4bit_quant_type'] as 'nf4' | 'fp4',
    doubleQuant: read['bnb_4bit_use_double_quant'] === true,
    embeddings,
  };
}

/** The fields of a run that quantise the model so, every one of them with its value. */
export function fieldsOfQuantisation(quantisation: Quantisation | undefined): Readonly<Record<string, unknown>> {
  const { kind, doubleQuant = false, embeddings = false } = quantisation ?? {};
  const isFour = kind === 'nf4' || kind === 'fp4';
  const defaults = Object.fromEntries(quantisationFields.map((field) => [field.name, field.default]));
  return {
    ...defaults,
    load_in_4bit: isFour,
    load_in_8bit: kind === 'int8',
    load_embeddings_in_8bit: embeddings,
    ...(isFour && { bnb_4bit_quant_type: kind, bnb_4bit_use_double_quant: doubleQuant }),
  };
}

/** The weights that a quantisation gives, as the studio names them. */
export function choiceOf(quantisation: Quantisation | undefined): WeightsChoice {
  if (!quantisation) return { name: 'stored', embeddings: false };
  const { kind, doubleQuant, embeddings = false } = quantisation;
  return { name: kind !== 'int8' && doubleQuant ? `${kind}_nested` : kind, embeddings };
}

/** The other way; nothing chosen is 'stored', too. */
export function quantisationOfChoice(choice: WeightsChoice | undefined): Quantisation | undefined {
  if (!choice || choice.name === 'stored') return undefined;
  const { name, embeddings } = choice;
  const [kind = 'nf4', nested] = name.split('_') as [Quantisation['kind'], string?];
  return { kind, doubleQuant: nested !== undefined, embeddings };
}
