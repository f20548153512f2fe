import { weightsKey } from '../../formats/adapterHubFolder.ts';
import { UserError } from '../../formats/errors.ts';
import type { FloatTensor } from '../../formats/floatTensors.ts';
import { joinStream, type SublayerSite } from '../../models/hooks.ts';
import type { ModelDescription } from '../../models/family.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields, ParameterValues } from '../method.ts';
import { replacement } from '../savedModules.ts';
import { tensorsForFile } from '../initialize.ts';
import { adapterHubConfig, adapterName, ignoresKey, innerConfig, taskHead } from './adapterHubConfig.ts';
import { bottleneckPath, adapterHubLayers } from './adapterHubPaths.ts';
import {
  bottleneckConfig,
  bottleneckFields,
  readBottleneckConfig,
  type BottleneckDefaults,
  type BottleneckSettings,
} from './bottleneckFields.ts';
import { bottleneckStream, bottleneckUnit, unitParameters, type BottleneckUnit } from './bottleneckUnit.ts';

/** AdapterHub's SeqBnConfig. */
export const pfeifferDefaults: BottleneckDefaults = {
  mh_adapter: false,
  reduction_factor: 16,
  non_linearity: 'relu',
  original_ln_before: true,
  is_parallel: false,
  init_weights: 'bert',
  scaling: 1,
};

/** Houlsby et al., arXiv 1902.00751; AdapterHub's DoubleSeqBnConfig. */
export const houlsby = bottleneckMethod({
  peftType: 'HOULSBY',
  name: 'Houlsby adapters',
  summary:
    'Puts a small bottleneck behind the attention and the MLP of every layer and leaves the model itself untouched. Choose it where the data differ much from what the model knows; it cannot be merged.',
  defaults: { ...pfeifferDefaults, mh_adapter: true, non_linearity: 'swish', original_ln_before: false },
  fit: ({ is_parallel: isParallel, original_ln_before: joins }) => (isParallel !== true && joins !== true ? 2 : 1),
});

/** Pfeiffer et al., arXiv 2005.00247; AdapterHub's SeqBnConfig. */
export const pfeiffer = bottleneckMethod({
  peftType: 'PFEIFFER',
  name: 'Pfeiffer adapters',
  summary:
    "Puts one small bottleneck behind the MLP of every layer: half of Houlsby's weights for nearly its quality. Choose it as the first bottleneck adapter to try; it cannot be merged.",
  defaults: pfeifferDefaults,
  fit: ({ is_parallel: isParallel, original_ln_before: joins }) => (isParallel !== true && joins === true ? 2 : 1),
});

/** He et al., arXiv 2110.04366; AdapterHub's ParBnConfig. */
export const parallel = bottleneckMethod({
  peftType: 'PARALLEL',
  name: 'Parallel adapters',
  summary:
    'Puts a bottleneck beside the MLP of every layer, reading what goes into it. Choose it over sequential adapters where a wide bottleneck fits in memory; it begins exactly as the model is and cannot be merged.',
  defaults: {
    ...pfeifferDefaults,
    reduction_factor: 2,
    original_ln_before: false,
    is_parallel: true,
    init_weights: 'mam_adapter',
    scaling: 4,
  },
  fit: ({ is_parallel: isParallel }) => (isParallel === true ? 2 : 1),
});

function bottleneckMethod({
  defaults,
  fit,
  ...rest
}: Pick<Method, 'peftType' | 'name' | 'summary'> & {
  readonly defaults: BottleneckDefaults;
  readonly fit: (config: Readonly<Record<string, unknown>>) => number;
}): Method {
  return {
    ...rest,
    group: 'adapters',
    learningRate: 1e-4,
    fields: bottleneckFields(defaults),
    attach: (fields, model) => attachBottlenecks(rest.peftType, fields, model),
    fits: (config) => (isBottleneck(config) ? fit(innerConfig(config)) : 0),
    readConfig: readBottleneckConfig,
    whyNoMerge:
      'A bottleneck has an activation between its two projections, so no weight of the model can hold it. Use the adapter beside the model.',
  };
}

/** AdapterHub gives bottlenecks no architecture. */
function isBottleneck(config: Readonly<Record<string, unknown>>): boolean {
  const inner = innerConfig(config);
  return inner['architecture'] == null && 'reduction_factor' in inner;
}

/** @param firstSite number of the first dropout; another part of the same adapter has those below */
export function attachBottlenecks(
  peftType: string,
  fields: MethodFields,
  model: CheckpointFacts,
  firstSite = 0,
): Adapter {
  const settings = fields as unknown as BottleneckSettings;
  checkArrangement(settings);
  const { description } = model;
  const name = adapterName(fields['adapter_name']);
  const units = bottleneckUnits(description, settings, name, firstSite);
  const head = taskHead(description);
  const plain = adapterHubConfig(model, name, bottleneckConfig(settings));
  const config = fields[weightsKey] === 'int8' ? { ...plain, [weightsKey]: 'int8' } : plain;
  const adapter: Adapter = {
    peftType,
    parameters: [...[...units.values()].flatMap(unitParameters), ...head.values()],
    config,
    baseTensors: new Map(),
    ignoresKey: ignoresKey(description),
    hooks: {
      sublayer: (trace, site) => {
        const unit = units.get(placeOf(site));
        return unit ? bottleneckStream(trace, unit, settings, site) : joinStream(trace.graph, site);
      },
      replaces: replacement(head),
    },
  };
  if (!settings.ln_before) return adapter;
  return { ...adapter, toContent: (values) => Promise.resolve({ config, tensors: withSecondNames(adapter, values) }) };
}

/** The norm in front of a bottleneck has two names in AdapterHub's file: it is a module of its own, and the first of adapter_down. */
function withSecondNames(adapter: Adapter, values: ParameterValues): Map<string, FloatTensor> {
  const tensors = tensorsForFile(adapter, values);
  for (const [key, tensor] of [...tensors])
    if (key.includes('.adapter_down.0.')) tensors.set(key.replace('.adapter_down.0.', '.adapter_norm_before.'), tensor);
  return tensors;
}

const placeOf = ({ layer, kind }: Pick<SublayerSite, 'layer' | 'kind'>) => `${layer}.${kind}`;

/** The bottlenecks by their place. */
function bottleneckUnits(
  description: ModelDescription,
  settings: BottleneckSettings,
  name: string,
  firstSite: number,
): ReadonlyMap<string, BottleneckUnit> {
  const leftOut = new Set([settings.leave_out ?? []].flat());
  const firstOfDecoder = description.stacks?.encoder ?? Infinity;
  const kindsOf = (layer: number) => [
    ...(settings.mh_adapter ? ['attention' as const] : []),
    ...(settings.cross_adapter && layer >= firstOfDecoder ? ['crossAttention' as const] : []),
    ...(settings.output_adapter ? ['mlp' as const] : []),
  ];
  const places = adapterHubLayers(description).flatMap((path, layer) =>
    leftOut.has(layer) ? [] : kindsOf(layer).map((kind) => ({ path, layer, kind })),
  );
  if (places.length === 0)
    throw new UserError(
      'No place is left for a bottleneck. Set mh_adapter or output_adapter to true, and leave a layer out of leave_out.',
    );
  const { hiddenSize } = description;
  return new Map(
    places.map(({ path, layer, kind }, i) => {
      const key = `${bottleneckPath(description.modelType, path, kind)}.${name}.`;
      const inner = Math.max(1, Math.floor(hiddenSize / reductionOf(settings.reduction_factor, layer)));
      return [placeOf({ layer, kind }), bottleneckUnit(key, hiddenSize, inner, settings, firstSite + i)];
    }),
  );
}

function reductionOf(factor: BottleneckSettings['reduction_factor'], layer: number): number {
  if (typeof factor === 'number') return factor;
  const own = factor[String(layer)] ?? factor['default'];
  if (own === undefined)
    throw new UserError(
      `reduction_factor: layer ${layer} has none. Give every layer one, or add a default: {"${layer}": 8, "default": 16}.`,
    );
  return own;
}

function checkArrangement({ original_ln_before, residual_before_ln, is_parallel }: BottleneckSettings): void {
  if (!is_parallel && !original_ln_before && residual_before_ln === 'post_add')
    throw new UserError(
      'residual_before_ln: post_add needs original_ln_before: true, which makes the sum that it takes. Set that, or residual_before_ln to true.',
    );
}
