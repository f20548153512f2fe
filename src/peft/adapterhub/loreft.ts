import { UserError } from '../../formats/errors.ts';
import type { ModelDescription } from '../../models/family.ts';
import type { PositionMasks } from '../../models/positionMasks.ts';
import { tensorsForFile, valuesFromFile } from '../initialize.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields } from '../method.ts';
import { replacement } from '../savedModules.ts';
import { adapterHubConfig, adapterName, ignoresKey, innerConfig, taskHead } from './adapterHubConfig.ts';
import { adapterHubLayers } from './adapterHubPaths.ts';
import { withSigns } from './orthogonal.ts';
import { readReftConfig, reftConfig, reftFields, type ReftSettings } from './reftFields.ts';
import { finishedUnit, finishedValues, intervene, reftParameters, reftUnit, type ReftUnit } from './reftUnit.ts';

/** LoReFT, NoReFT and DiReFT (Wu et al., arXiv 2404.03592), as AdapterHub's adapters 1.3 has them; pyreft computes the same. */
export const loreft: Method = {
  peftType: 'LOREFT',
  name: 'LoReFT',
  summary:
    'Leaves the weights alone and moves what flows between the layers, in a small subspace and at a few positions of the prompt. Choose it for the fewest trained numbers of all; it needs a high learning rate.',
  group: 'adapters',
  learningRate: 9e-4,
  fields: reftFields,
  attach,
  fits: (config) => (innerConfig(config)['architecture'] === 'reft' ? 1 : 0),
  readConfig: readReftConfig,
  whyNoMerge:
    'LoReFT works at some positions of a text only, and a weight works at all of them. Use the adapter beside the model.',
};

/** Names of the masks: first positions, last ones, both of them. */
const prefix = 'reft.prefix';
const suffix = 'reft.suffix';
const both = 'reft.both';

type Units = ReadonlyMap<number, readonly ReftUnit[]>;

function attach(given: MethodFields, model: CheckpointFacts): Adapter {
  const settings = given as unknown as ReftSettings;
  const { description } = model;
  const { hiddenSize } = description;
  if (description.task === 'SEQ_2_SEQ_LM')
    throw new UserError(
      'LOREFT has no settled meaning on a model of an encoder and a decoder: AdapterHub takes the positions of the source in the target, too, and fails on targets that are shorter. Use HOULSBY or LORA.',
    );
  checkSettings(settings, hiddenSize);
  const name = adapterName(given['adapter_name']);
  const units = reftUnits(settings, adapterHubLayers(description), name, hiddenSize);
  const config = adapterHubConfig(model, name, reftConfig(settings));
  const adapter = { ...adapterOf(units, settings, description), config };
  const finished = new Map([...units].map(([layer, list]) => [layer, list.map(finishedUnit)]));
  return {
    ...adapter,
    toContent: (values) => {
      const tensors = tensorsForFile(adapter, values);
      for (const [key, { shape, data }] of tensors)
        if (key.endsWith('.original')) tensors.set(key, { shape, data: withSigns(data, hiddenSize) });
      return Promise.resolve({ config, tensors });
    },
    forUse: {
      ...adapterOf(finished, settings, description),
      config,
      fromContent: ({ tensors }) => finishedValues([...units.values()].flat(), valuesFromFile(adapter, tensors)),
    },
  };
}

function adapterOf(units: Units, settings: ReftSettings, description: ModelDescription): Omit<Adapter, 'config'> {
  const head = taskHead(description);
  const specs = [...[...units.values()].flat().flatMap(reftParameters), ...head.values()];
  return {
    peftType: 'LOREFT',
    // constants that all units share are there once
    parameters: [...new Map(specs.map((spec) => [spec.name, spec])).values()],
    baseTensors: new Map(),
    ignoresKey: ignoresKey(description),
    hooks: {
      layer: (trace, layer, hidden) =>
        (units.get(layer) ?? []).reduce((stream, unit) => intervene(trace, unit, settings, hidden, stream), hidden),
      replaces: replacement(head),
      masks: masksOf(settings),
    },
  };
}

/** The units behind each layer: for the first positions and for the last, or one for both. */
function reftUnits(settings: ReftSettings, paths: readonly string[], name: string, width: number): Units {
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
