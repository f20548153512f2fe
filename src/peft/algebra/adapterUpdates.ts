import { UserError } from '../../formats/errors.ts';
import type { FloatTensor } from '../../formats/floatTensors.ts';
import type { ModelDescription, ModuleInfo } from '../../models/family.ts';
import { tensorsForFile } from '../initialize.ts';
import type { Adapter, Method, ParameterSpec, ParameterValues } from '../method.ts';
import { keyPrefix, savedModules } from '../savedModules.ts';
import type { UpdatedModule } from './toLora.ts';

/** An adapter with its numbers, on its model. */
export interface AdapterOnModel {
  readonly method: Method;
  readonly adapter: Adapter;
  readonly values: ParameterValues;
  readonly description: ModelDescription;
  /** a tensor of the checkpoint, decoded; a linear's weight as [out, in] */
  readBase(tensor: string): Promise<Float32Array>;
}

/** What an adapter does to a model, as far as a LoRA can say it: updates of linear layers, and modules that were trained whole. */
export interface AdapterUpdates {
  readonly modules: readonly UpdatedModule[];
  /** by file key */
  readonly trainedWhole: ReadonlyMap<string, FloatTensor>;
}

/**
 * ΔW = W′ − W of each linear layer that the adapter changes, by its method's merge.
 * Throws a UserError that says what a LoRA cannot: a method that does not merge, biases, norms, embeddings.
 */
export async function updatesOf(attached: AdapterOnModel): Promise<AdapterUpdates> {
  const { method, adapter, values, description } = attached;
  const { merge } = method;
  if (!merge)
    throw new UserError(
      `A ${adapter.peftType} adapter cannot be converted: ${method.whyNoMerge ?? 'it is no change of the weights.'}`,
    );
  const saved = savedModules(description, (adapter.config['modules_to_save'] ?? null) as string[] | null);
  const savedKeys = new Set([...saved.values()].map(({ name }) => name));
  const whole = adapter.parameters.filter(({ name }) => savedKeys.has(name));
  const own = adapter.parameters.filter(({ name }) => !savedKeys.has(name));
  const changed = description.modules.filter((module) => own.some(({ name }) => name.includes(`.${module.path}.`)));
  refuseMore(own, changed);
  for (const module of changed) await refuseBias(attached, merge, module);
  if (changed.length === 0)
    throw new UserError(`This ${adapter.peftType} adapter changes no linear layer, so no LoRA can stand for it.`);
  return {
    modules: changed.map((module) => ({
      path: module.path,
      outFeatures: module.outFeatures,
      inFeatures: module.inFeatures,
      readUpdate: () => updateOf(attached, merge, module),
    })),
    trainedWhole: tensorsForFile({ ...adapter, parameters: whole }, values),
  };
}

function refuseMore(own: readonly ParameterSpec[], changed: readonly ModuleInfo[]): void {
  const trained = own.find(({ initial }) => initial.kind === 'base');
  if (trained)
    throw new UserError(
      `The adapter trains ${trained.name.replace(keyPrefix, '')} itself, which a LoRA cannot say. Merge it into the model instead.`,
    );
  const other = changed.find(({ kind }) => kind !== 'linear');
  if (other)
    throw new UserError(
      `The adapter changes ${other.path} (${other.kind}), and only linear layers can be converted. Merge it into the model instead.`,
    );
}

/** Of a sum of some products in f32. */
const rounding = 2 ** -16;

type Merge = NonNullable<Method['merge']>;

async function refuseBias(
  { adapter, values, readBase }: AdapterOnModel,
  merge: Merge,
  { path, hasBias, outFeatures }: ModuleInfo,
): Promise<void> {
  const name = `${path}.bias`;
  const bias = hasBias ? await readBase(name) : new Float32Array(outFeatures);
  const merged = merge(adapter, values, { name, modulePath: path, shape: [outFeatures], format: 'f32', data: bias });
  if (merged?.some((x, i) => x !== bias[i]))
    throw new UserError(
      `The adapter changes the bias of ${path}, which a LoRA cannot say. Merge it into the model instead.`,
    );
}

/**
 * W′ − W loses digits where ΔW is small beside W. Where the method adds to W, merging into zeros gives ΔW itself; that it adds is seen
 * from W′ − W being the same but for rounding.
 */
async function updateOf(
  { adapter, values, readBase }: AdapterOnModel,
  merge: Merge,
  { path, outFeatures, inFeatures }: ModuleInfo,
): Promise<Float32Array> {
  const merged = (data: Float32Array) => {
    const name = `${path}.weight`;
    const target = { name, modulePath: path, shape: [outFeatures, inFeatures], format: 'f32', data } as const;
    return merge(adapter, values, target) ?? data;
  };
  const base = await readBase(`${path}.weight`);
  const difference = merged(base).map((x, i) => x - (base[i] ?? 0));
  const alone = merged(new Float32Array(base.length));
  const adds = difference.every((x, i) => {
    const update = alone[i] ?? 0;
    return Math.abs(x - update) <= rounding * (Math.abs(base[i] ?? 0) + Math.abs(update));
  });
  return adds ? alone : difference;
}
