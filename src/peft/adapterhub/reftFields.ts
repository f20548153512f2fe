import * as v from 'valibot';
import { UserError } from '../../formats/errors.ts';
import { booleanField, choiceField, integerField, integersField, numberField, type FieldSchema } from '../schema.ts';
import { innerConfig, nameField } from './adapterHubConfig.ts';
import { nonLinearities } from './bottleneckFields.ts';

/** Values of the fields, in AdapterHub's spelling. */
export interface ReftSettings {
  readonly layers: number | readonly number[] | null;
  readonly prefix_positions: number;
  readonly suffix_positions: number;
  readonly r: number;
  readonly orthogonality: boolean;
  readonly tied_weights: boolean;
  readonly subtract_projection: boolean;
  readonly dropout: number;
  readonly non_linearity: keyof typeof nonLinearities;
}

const advanced = true;

export const reftFields: readonly FieldSchema[] = [
  integerField({
    name: 'r',
    label: 'Rank',
    help: 'Width of the subspace: more can learn more and makes a larger file.',
    default: 1,
    minimum: 1,
    maximum: 256,
  }),
  integerField({
    name: 'prefix_positions',
    label: 'First positions',
    help: 'How many positions at the start of a text are changed.',
    default: 3,
    minimum: 0,
  }),
  integerField({
    name: 'suffix_positions',
    label: 'Last positions',
    help: 'How many positions at the end of a text are changed: of the prompt, where an answer is written.',
    default: 0,
    minimum: 0,
  }),
  layersField(),
  numberField({
    name: 'dropout',
    label: 'Dropout',
    help: 'Share of what stands at the changed positions that is dropped in training.',
    default: 0.05,
    minimum: 0,
    maximum: 0.99,
  }),
  booleanField({
    name: 'orthogonality',
    label: 'Orthonormal rows',
    help: 'Keeps the rows of the subspace orthonormal (LoReFT); without it: NoReFT.',
    default: true,
    advanced,
  }),
  booleanField({
    name: 'tied_weights',
    label: 'One for both ends',
    help: 'The same numbers at the first and at the last positions.',
    default: false,
    advanced,
  }),
  booleanField({
    name: 'subtract_projection',
    label: 'Subtract what was there',
    help: 'Replaces what stands in the subspace; without it, and without orthonormal rows, it is added to: DiReFT, which AdapterHub can train but not load.',
    default: true,
    advanced,
  }),
  choiceField({
    name: 'non_linearity',
    label: 'Activation',
    help: 'A function on what is put into the subspace; linear: none.',
    default: 'linear',
    choices: Object.keys(nonLinearities),
    forNull: 'linear',
    advanced,
  }),
  nameField,
];

function layersField(): FieldSchema {
  const numbers = integersField({
    name: 'layers',
    label: 'Layers',
    help: 'Only behind these layers, counted from 0; all where none is named.',
  });
  const all = v.pipe(
    v.literal('all'),
    v.transform(() => null),
  );
  return { ...numbers, schema: v.union([all, numbers.schema]) };
}

/** AdapterHub's LoReftConfig. It neither writes nor reads subtract_projection, and loads its own DiReFT as what it was not. */
export function reftConfig({
  layers,
  subtract_projection: subtracts,
  non_linearity: act,
  ...settings
}: ReftSettings): Record<string, unknown> {
  const { adapter_name: _, ...own } = settings as typeof settings & Record<string, unknown>;
  return {
    ...own,
    architecture: 'reft',
    dtype: null,
    init_weights_seed: null,
    layers: layers === null ? 'all' : [layers].flat(),
    non_linearity: act === 'linear' ? null : act,
    output_reft: true,
    ...(!subtracts && { subtract_projection: false }),
  };
}

/** The fields that AdapterHub's adapter_config.json stands for. Throws a UserError where it asks for what there is not. */
export function readReftConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { output_reft: output, architecture: _, dtype: __, init_weights_seed: ___, ...own } = innerConfig(config);
  if (output === false)
    throw new UserError(
      'adapter_config.json: output_reft: false is not supported for LOREFT. Use an adapter without it.',
    );
  const act = own['non_linearity'];
  return { ...own, non_linearity: act == null ? null : String(act).toLowerCase(), adapter_name: config['name'] };
}
