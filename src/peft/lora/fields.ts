import * as v from 'valibot';
import { booleanField, choiceField, integerField, numberField, patternField, type FieldSchema } from '../schema.ts';
import { alphaPatternField, inputDropoutField, mostRank, rankPatternField } from '../sharedFields.ts';
import { biasField, targetFields } from '../tuner.ts';

const starts = ['true', 'false', 'gaussian', 'pissa', 'pissa_niter_4', 'olora', 'orthogonal', 'loftq', 'eva'] as const;

/** PEFT takes any number of iterations in the name. */
const lowRankSvd = /^pissa_niter_\d{1,3}$/;

const startField: FieldSchema = {
  ...choiceField({
    name: 'init_lora_weights',
    label: 'Start of A and B',
    help: 'true: A uniform as in a fresh linear layer, B zero; gaussian: A normal with deviation 1 ÷ rank. pissa and olora start from the largest directions of the weight and learn faster (pissa_niter_4 finds them sooner); orthogonal: A and B at random, with B·A zero; loftq: from what quantising on loading takes from the weight, so that alpha equal to the rank gives most of it back; eva: A from the main directions of what each layer reads on your rows, with more rank where they say more. false: both at random.',
    default: true,
    choices: starts,
    advanced: true,
  }),
  schema: v.pipe(
    v.unknown(),
    v.transform((value) => (value === 'true' ? true : value === 'false' ? false : value)),
    v.union([v.boolean(), v.picklist(starts), v.pipe(v.string(), v.regex(lowRankSvd))]),
  ),
};

/** The shape of a low-rank update, in every method that has one. */
export const lowRankFields: readonly FieldSchema[] = [
  integerField({
    name: 'r',
    label: 'Rank',
    help: 'Width of the update: more can learn more and makes a larger file.',
    default: 8,
    minimum: 1,
    maximum: mostRank,
  }),
  numberField({
    name: 'lora_alpha',
    label: 'Alpha',
    help: 'Strength of the update: it is scaled by alpha ÷ rank.',
    default: 8,
    minimum: 0,
  }),
  inputDropoutField('lora_dropout'),
  ...targetFields,
  booleanField({
    name: 'use_rslora',
    label: 'Rank-stabilised scale',
    help: 'Scales by alpha ÷ √rank, so that high ranks keep their strength.',
    default: false,
    advanced: true,
  }),
  rankPatternField,
  alphaPatternField,
];

/** DoRA in stages: ours, for the optimizer alone. */
export const magnitudeFields: readonly FieldSchema[] = [
  integerField({
    name: 'dora_magnitude_freeze_steps',
    label: 'Magnitude rests for',
    help: "DoRA's magnitude is not trained for this many steps, so that the direction settles first.",
    default: 0,
    minimum: 0,
    advanced: true,
    trainingOnly: true,
  }),
  numberField({
    name: 'dora_magnitude_lr_ratio',
    label: "Magnitude's learning rate",
    help: "DoRA's magnitude learns at this multiple of the learning rate.",
    default: 1,
    minimum: 0,
    advanced: true,
    trainingOnly: true,
  }),
];

/** PEFT's create_loraplus_optimizer. */
const plusFields: readonly FieldSchema[] = [
  numberField({
    name: 'loraplus_lr_ratio',
    label: 'LoRA+ ratio',
    help: 'B learns at this multiple of the learning rate; 16 is usual, with a learning rate of about half. 0: one rate for all.',
    default: 0,
    minimum: 0,
    advanced: true,
    trainingOnly: true,
  }),
  numberField({
    name: 'loraplus_lr_embedding',
    label: 'LoRA+ rate of embeddings',
    help: 'With LoRA+, the learning rate of an update of the embedding.',
    default: 1e-6,
    minimum: 0,
    advanced: true,
    trainingOnly: true,
  }),
];

export const loraFields: readonly FieldSchema[] = [
  ...lowRankFields,
  booleanField({
    name: 'use_dora',
    label: 'DoRA',
    help: 'Also learns the magnitude of each output (DoRA): better at low ranks, for 4 to 9 % more time.',
    default: false,
  }),
  ...magnitudeFields,
  startField,
  patternField({
    name: 'loftq_config',
    label: "LoftQ's settings",
    help: 'With the start loftq, e.g. {"loftq_bits": 8} where the weights are loaded in 8 bits.',
    whole: true,
    minimum: 1,
  }),
  {
    name: 'eva_config',
    label: "EVA's settings",
    help: 'With the start eva: rho, the most that a rank may grow by (1: ranks stay), and tau, how still the directions must stand.',
    kind: 'pattern',
    default: null,
    advanced: true,
    expected: 'it must map settings of EVA to their values, such as {"rho": 2, "tau": 0.99}',
    schema: v.nullable(v.record(v.string(), v.union([v.number(), v.boolean()]))),
  },
  ...plusFields,
  biasField('lora_only'),
  booleanField({
    name: 'lora_bias',
    label: 'Bias on B',
    help: 'Gives the update a bias of its own.',
    default: false,
    advanced: true,
  }),
];
