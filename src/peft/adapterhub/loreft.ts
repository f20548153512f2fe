import * as v from 'valibot';
import { UserError } from '../../formats/errors.ts';
import type { PositionMasks } from '../../models/positionMasks.ts';
import { tensorsForFile } from '../initialize.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields } from '../method.ts';
import { replacement } from '../savedModules.ts';
import { booleanField, choiceField, integerField, integersField, numberField, type FieldSchema } from '../schema.ts';
import {
  adapterHubConfig,
  adapterName,
  ignoresKey,
  innerConfig,
  layerPaths,
  nameField,
  taskHead,
} from './adapterHubConfig.ts';
import { nonLinearities } from './bottleneckFields.ts';
import { withSigns } from './orthogonal.ts';
import { intervene, reftParameters, reftUnit, type ReftSettings, type ReftUnit } from './reftUnit.ts';

/** LoReFT, NoReFT and DiReFT (Wu et al., arXiv 2404.03592), as AdapterHub's adapters 1.3 has them; pyreft computes the same. */
export const loreft: Method = {
  peftType: 'LOREFT',
  name: 'LoReFT',
  summary:
    'Leaves the weights alone and moves what flows between the layers, in a small subspace and at a few positions of the prompt. Choose it for the fewest trained numbers of all; it needs a high learning rate.',
  group: 'adapters',
  learningRate: 9e-4,
  fields: fields(),
  attach,
  fits: (config) => (innerConfig(config)['architecture'] === 'reft' ? 1 : 0),
  readConfig,
  whyNoMerge:
    'LoReFT works at some positions of a text only, and a weight works at all of them. Use the adapter beside the model.',
};

function fields(): FieldSchema[] {
  const advanced = true;
  return [
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
}

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

/** Names of the masks: first positions, last ones, both of them. */
const prefix = 'reft.prefix';
const suffix = 'reft.suffix';
const both = 'reft.both';

function attach(given: MethodFields, model: CheckpointFacts): Adapter {
  const settings = given as unknown as ReftSettings;
  const { description } = model;
  checkSettings(settings, description.hiddenSize);
  const name = adapterName(given['adapter_name']);
  const units = reftUnits(settings, layerPaths(description), name, description.hiddenSize);
  const head = taskHead(description);
  const config = adapterHubConfig(model, name, reftConfig(settings));
  // constants that all units share are there once
  const specs = [...units.values()].flat().flatMap(reftParameters);
  const adapter: Adapter = {
    peftType: 'LOREFT',
    parameters: [...new Map([...specs, ...head.values()].map((spec) => [spec.name, spec])).values()],
    config,
    baseTensors: new Map(),
    ignoresKey: ignoresKey(description),
    hooks: {
      layer: (trace, layer, hidden) =>
        (units.get(layer) ?? []).reduce((stream, unit) => intervene(trace, unit, settings, hidden, stream), hidden),
      replaces: replacement(head),
      masks: masksOf(settings),
    },
    toContent: (values) => {
      const tensors = tensorsForFile(adapter, values);
      for (const [key, { shape, data }] of tensors)
        if (key.endsWith('.original')) tensors.set(key, { shape, data: withSigns(data, description.hiddenSize) });
      return Promise.resolve({ config, tensors });
    },
  };
  return adapter;
}

/** The units behind each layer: for the first positions and for the last, or one for both. */
function reftUnits(
  settings: ReftSettings,
  paths: readonly string[],
  name: string,
  width: number,
): ReadonlyMap<number, readonly ReftUnit[]> {
  const wanted = settings.layers === null ? undefined : new Set([settings.layers].flat());
  const unused = (positions: number, mask: string) => (positions > 0 ? mask : undefined);
  const masks = settings.tied_weights
    ? [both]
    : [unused(settings.prefix_positions, prefix), unused(settings.suffix_positions, suffix)];
  const layers = paths.flatMap((path, layer) => (wanted && !wanted.has(layer) ? [] : [{ path, layer }]));
  if (layers.length === 0 || (wanted && [...wanted].some((layer) => layer >= paths.length)))
    throw new UserError(`layers: this model has layers 0 to ${paths.length - 1}. Name some of them, or none for all.`);
  return new Map(
    layers.map(({ path, layer }) => [
      layer,
      masks.map((mask, i) =>
        reftUnit(`${path}.reft_layer.refts.${name}.units.${i}.`, width, settings, mask, 2 * layer + i),
      ),
    ]),
  );
}

/** Where a row is short, its last positions come first: they take those that both would have. */
function masksOf({
  prefix_positions: first,
  suffix_positions: last,
  tied_weights: isTied,
}: ReftSettings): PositionMasks {
  const isLast = (position: number, length: number) => position >= length - last;
  if (isTied) return new Map([[both, (position, length) => position < first || isLast(position, length)]]);
  return new Map([
    ...(first > 0
      ? [[prefix, (position: number, length: number) => position < first && !isLast(position, length)] as const]
      : []),
    ...(last > 0 ? [[suffix, isLast] as const] : []),
  ]);
}

function checkSettings(
  { prefix_positions: first, suffix_positions: last, r, orthogonality }: ReftSettings,
  width: number,
): void {
  if (first + last === 0)
    throw new UserError(
      'prefix_positions and suffix_positions are both 0, so nothing would be changed. Give one of them, e.g. 3.',
    );
  if (orthogonality ? r >= width : r > width)
    throw new UserError(
      `r: ${r} is too much for a model of width ${width}${orthogonality ? ' with orthonormal rows' : ''}. Give ${orthogonality ? width - 1 : width} or less; 1 to 16 are usual.`,
    );
}

/** AdapterHub's LoReftConfig. It neither writes nor reads subtract_projection, and loads its own DiReFT as what it was not. */
function reftConfig({
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

function readConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { output_reft: output, architecture: _, dtype: __, init_weights_seed: ___, ...own } = innerConfig(config);
  if (output === false)
    throw new UserError(
      'adapter_config.json: output_reft: false is not supported for LOREFT. Use an adapter without it.',
    );
  const act = own['non_linearity'];
  return { ...own, non_linearity: act == null ? null : String(act).toLowerCase(), adapter_name: config['name'] };
}
