import * as v from 'valibot';
import { UserError } from '../../formats/errors.ts';
import { weightsKey } from '../../formats/adapterHubFolder.ts';
import { booleanField, choiceField, integersField, numberField, type FieldSchema } from '../schema.ts';
import { innerConfig, nameField } from './adapterHubConfig.ts';

/** Values of the fields, in AdapterHub's spelling. */
export interface BottleneckSettings {
  readonly mh_adapter: boolean;
  readonly output_adapter: boolean;
  readonly cross_adapter: boolean;
  /** of all layers, or by layer number with a default */
  readonly reduction_factor: number | Readonly<Record<string, number>>;
  readonly non_linearity: keyof typeof nonLinearities;
  readonly dropout: number;
  readonly scaling: number | 'learned' | 'channel';
  readonly is_parallel: boolean;
  readonly leave_out: number | readonly number[] | null;
  readonly original_ln_before: boolean;
  readonly original_ln_after: boolean;
  readonly ln_before: boolean;
  readonly ln_after: boolean;
  readonly residual_before_ln: boolean | 'post_add';
  readonly adapter_residual_before_ln: boolean;
  readonly init_weights: 'bert' | 'mam_adapter' | 'houlsby';
}

/** Those in which Houlsby, Pfeiffer and parallel adapters differ. */
export type BottleneckDefaults = Pick<
  BottleneckSettings,
  | 'mh_adapter'
  | 'reduction_factor'
  | 'non_linearity'
  | 'original_ln_before'
  | 'is_parallel'
  | 'init_weights'
  | 'scaling'
>;

/** AdapterHub's names (Transformers' ACT2FN, in lower case) and the op's; null is none at all. */
export const nonLinearities = {
  relu: 'relu',
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  swish: 'silu',
  silu: 'silu',
  tanh: 'tanh',
  sigmoid: 'sigmoid',
  linear: null,
} as const;

export function bottleneckFields(defaults: BottleneckDefaults): FieldSchema[] {
  const advanced = true;
  return [
    reductionFactor(defaults.reduction_factor as number),
    choiceField({
      name: 'non_linearity',
      label: 'Activation',
      help: 'The function between the two projections.',
      default: defaults.non_linearity,
      choices: Object.keys(nonLinearities),
    }),
    booleanField({
      name: 'mh_adapter',
      label: 'After attention',
      help: 'A bottleneck behind the attention of each layer.',
      default: defaults.mh_adapter,
    }),
    booleanField({
      name: 'output_adapter',
      label: 'After the MLP',
      help: 'A bottleneck behind the MLP of each layer.',
      default: true,
    }),
    booleanField({
      name: 'cross_adapter',
      label: 'After attention to the source',
      help: 'A bottleneck behind the attention of each decoder layer to the encoder, on models that have both.',
      default: false,
      advanced,
    }),
    numberField({
      name: 'dropout',
      label: 'Dropout',
      help: "Share of the bottleneck's output dropped in training, against learning few rows by heart.",
      default: 0,
      minimum: 0,
      maximum: 0.99,
    }),
    scaling(defaults.scaling),
    integersField({
      name: 'leave_out',
      label: 'Layers without',
      help: 'Layers that get no bottleneck, counted from 0.',
    }),
    booleanField({
      name: 'is_parallel',
      label: 'Parallel',
      help: 'Reads what goes into the sublayer instead of what comes out.',
      default: defaults.is_parallel,
      advanced,
    }),
    choiceField({
      name: 'init_weights',
      label: 'Start',
      help: 'bert: normal, deviation 0.02; mam_adapter: begins as the model is; houlsby: normal, deviation 0.01, cut at 0.02.',
      default: defaults.init_weights,
      choices: ['bert', 'mam_adapter', 'houlsby'],
      advanced,
    }),
    ...arrangementFields(defaults.original_ln_before),
    choiceField({
      name: weightsKey,
      label: 'Stored as',
      help: 'int8 makes the file a quarter as large and a little less exact; AdapterHub itself reads float32 only.',
      default: 'float32',
      choices: ['float32', 'int8'],
      trainingOnly: true, // says nothing about the numbers: an adapter that goes on may be stored otherwise
      advanced,
    }),
    nameField,
  ];
}

/** Where residual connections and norms stand around the bottleneck. */
function arrangementFields(originalLnBefore: boolean): FieldSchema[] {
  const flag = (name: string, label: string, help: string, value: boolean) =>
    booleanField({ name, label, help, default: value, advanced: true });
  return [
    flag(
      'original_ln_before',
      "Model's residual before",
      'Adds the residual (and norms it) in front of the bottleneck.',
      originalLnBefore,
    ),
    flag(
      'original_ln_after',
      "Model's residual after",
      'Adds the residual (and norms it) behind the bottleneck.',
      true,
    ),
    flag('ln_before', 'Norm before', 'A new layer norm in front of the bottleneck.', false),
    flag('ln_after', 'Norm after', 'A new layer norm behind the bottleneck.', false),
    choiceField({
      name: 'residual_before_ln',
      label: 'Shortcut from',
      help: "true: from the sublayer's output; false: from what the bottleneck reads; post_add: from the sum with the residual.",
      default: true,
      choices: ['true', 'false', 'post_add'],
      advanced: true,
    }),
    flag('adapter_residual_before_ln', 'Shortcut before the norm', 'Norms the sum of bottleneck and shortcut.', false),
  ];
}

function reductionFactor(usual: number): FieldSchema {
  const factor = v.pipe(v.number(), v.gtValue(0));
  return {
    ...numberField({
      name: 'reduction_factor',
      label: 'Reduction',
      help: 'How many times narrower than the model: 4 to 64; less learns more and makes a larger file.',
      default: usual,
      minimum: 0,
    }),
    schema: v.union([factor, v.record(v.string(), factor)]),
  };
}

function scaling(usual: BottleneckSettings['scaling']): FieldSchema {
  return {
    name: 'scaling',
    label: 'Scale',
    help: 'A number that the bottleneck is multiplied by; learned: one that is trained; channel: one for each channel.',
    kind: 'text',
    default: usual,
    advanced: true,
    schema: v.pipe(
      v.unknown(),
      v.transform((value) => (typeof value === 'string' && value.trim() !== '' && !isNaN(+value) ? +value : value)),
      v.union([v.pipe(v.number(), v.finite()), v.picklist(['learned', 'channel'])]),
    ),
  };
}

/** What AdapterHub's BnConfig has beside the fields, switched off: written as it stands, refused where a file has it otherwise. */
const switchedOff = {
  factorized_phm_W: true,
  factorized_phm_rule: false,
  hypercomplex_nonlinearity: 'glorot-uniform',
  init_weights_seed: null,
  inv_adapter: null,
  inv_adapter_reduction_factor: null,
  learn_phm: true,
  phm_bias: true,
  phm_c_init: 'normal',
  phm_dim: 4,
  phm_init_range: 0.0001,
  phm_layer: false,
  phm_rank: 1,
  shared_W_phm: false,
  shared_phm_rule: true,
  stochastic_depth: 0,
  use_gating: false,
} as const;

/** Those of them that change what is computed. */
const refused = ['inv_adapter', 'phm_layer', 'stochastic_depth', 'use_gating'] as const;

/** BnConfig in full. */
export function bottleneckConfig(settings: BottleneckSettings): Record<string, unknown> {
  const { [weightsKey]: _, adapter_name: __, ...own } = settings as BottleneckSettings & Record<string, unknown>;
  return { ...switchedOff, ...own, leave_out: [settings.leave_out ?? []].flat() };
}

/** The fields that AdapterHub's adapter_config.json stands for. Throws a UserError where it asks for what there is not. */
export function readBottleneckConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const inner = innerConfig(config);
  const unread = refused.find((key) => (inner[key] ?? switchedOff[key]) !== switchedOff[key]);
  if (unread !== undefined)
    throw new UserError(
      `adapter_config.json: ${unread}: ${JSON.stringify(inner[unread])} is not supported for bottleneck adapters. Use an adapter without it.`,
    );
  const isField = (key: string) => !Object.hasOwn(switchedOff, key) && key !== 'architecture';
  const known = Object.entries(inner).filter(([key, value]) => isField(key) && value !== undefined);
  const nonLinearity = String(inner['non_linearity']).toLowerCase();
  return {
    ...Object.fromEntries(known),
    non_linearity: nonLinearity,
    adapter_name: config['name'],
    [weightsKey]: config[weightsKey] ?? 'float32',
  };
}
