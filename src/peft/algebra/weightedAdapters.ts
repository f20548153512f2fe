import { UserError } from '../../formats/errors.ts';
import type { FloatTensor } from '../../formats/floatTensors.ts';
import type { AdapterContent } from '../method.ts';
import { keyPrefix } from '../savedModules.ts';
import { blendModule, type Share } from './blendModule.ts';
import { combinationOf, type Combination } from './combinations.ts';
import { readLora, writeLora, type LoraContent, type LoraModule, type OnModule } from './loraContent.ts';
import type { MajoritySignMethod, MergeOptions } from './taskArithmetic.ts';

export interface BlendPart {
  /** for messages */
  readonly name: string;
  readonly weight: number;
  readonly content: AdapterContent;
}

export interface BlendOptions {
  /** the name of one of `combinations` */
  readonly combination: string;
  /** share of the values that pruning keeps; needed for ties, dare and magnitude_prune */
  readonly density?: number;
  /** for ties and dare_ties */
  readonly majoritySignMethod?: MajoritySignMethod;
  /** rank of the result of an svd combination; that of the adapter with the highest if not given */
  readonly svdRank?: number;
  /** of the random choice of dare */
  readonly seed?: number;
}

interface Source extends LoraContent {
  readonly name: string;
  readonly weight: number;
  readonly config: AdapterContent['config'];
}

/**
 * A LoRA adapter from several, with the numbers of PEFT 0.21's add_weighted_adapter (tuners/lora/model.py) except for DARE's random
 * choice. A module that only some of them change gets the blend of those. Three things differ, where PEFT's blend cannot be saved or says
 * something else than asked for: rank-stabilised adapters give a blend of scale one (PEFT multiplies it by √rank once more), ranks
 * that differ between modules are written down, and a module that one adapter trained whole comes along (PEFT resets it to the base's).
 *
 * Throws a UserError where they do not go together.
 */
export async function blendAdapters(
  parts: readonly BlendPart[],
  options: BlendOptions,
  onModule?: OnModule,
): Promise<AdapterContent> {
  const sources = parts.map(({ name, weight, content }): Source => {
    if (!Number.isFinite(weight)) throw new UserError(`${name}: its weight is not a number. Give one, such as 0.5.`);
    return { ...readLora(name, content), name, weight, config: content.config };
  });
  const [first] = sources;
  if (!first) throw new UserError('There is no adapter to blend. Choose two or more.');
  // PEFT takes a single adapter for a matter of scaling it, whatever the combination
  const combination = combinationOf(sources.length === 1 ? 'linear' : options.combination);
  const merging = mergeOptions(combination, options);
  const rank = rankOf(combination, sources, options.svdRank);
  const paths = [...new Set(sources.flatMap(({ modules }) => [...modules.keys()]))];
  const modules: LoraModule[] = [];
  for (const path of paths) {
    await onModule?.(modules.length, paths.length);
    modules.push(blendModule(sharesOf(path, sources), combination, rank, merging));
  }
  const { config, tensors } = writeLora({ ...first.config, ...targetsOf(sources, paths) }, rank, modules);
  return { config, tensors: new Map([...tensors, ...wholeTensors(sources, paths)]) };
}

function mergeOptions({ name, rule }: Combination, options: BlendOptions): MergeOptions {
  const { density, majoritySignMethod = 'total', seed = 0 } = options;
  if (rule.pruning && !(density !== undefined && density > 0 && density <= 1))
    throw new UserError(
      `density: ${name} keeps a share of the values, so it needs a number above 0 and up to 1, such as 0.5.`,
    );
  return { density: density ?? 1, majoritySignMethod, seed };
}

function rankOf({ name, merges }: Combination, sources: readonly Source[], svdRank: number | undefined): number {
  const ranks = sources.map(({ rank }) => rank);
  if (merges === 'updates') return svdRank ?? Math.max(...ranks);
  if (merges === 'sides') return ranks.reduce((sum, rank) => sum + rank, 0);
  if (new Set(ranks).size > 1)
    throw new UserError(
      `${name} needs adapters of one rank, and these have ${sources.map((source) => `${source.rank} (${source.name})`).join(', ')}. Use cat, or a combination that ends in svd.`,
    );
  return Math.max(...ranks);
}

/** Those of the adapters that change a module. */
function sharesOf(path: string, sources: readonly Source[]): Share[] {
  const shares = sources.flatMap((source): Share[] => {
    const module = source.modules.get(path);
    return module ? [{ name: source.name, module, weight: source.weight, scale: source.scaleOf(module) }] : [];
  });
  const sizes = (share: Share | undefined) => `${share?.module.b.shape[0]} × ${share?.module.a.shape[1]}`;
  const other = shares.find((share) => sizes(share) !== sizes(shares[0]));
  if (other)
    throw new UserError(
      `${path} is ${sizes(shares[0])} in ${shares[0]?.name} and ${sizes(other)} in ${other.name}: these are adapters of different models. Choose adapters of one model.`,
    );
  return shares;
}

/** Fields of the config that say which modules are adapted: names where those of all adapters are lists of them, else every path. */
function targetsOf(sources: readonly Source[], paths: readonly string[]): Record<string, unknown> {
  const areNames = sources.every(
    ({ config }) =>
      Array.isArray(config['target_modules']) &&
      [config['layers_to_transform'], config['exclude_modules']].every((field) => [field ?? []].flat().length === 0),
  );
  const names = new Set(sources.flatMap(({ config }) => config['target_modules'] as string[]));
  const saved = [...new Set(sources.flatMap(({ config }) => [config['modules_to_save'] ?? []].flat()))];
  return {
    target_modules: areNames ? [...names].sort() : paths,
    layers_to_transform: null,
    layers_pattern: null,
    exclude_modules: null,
    modules_to_save: saved.length > 0 ? saved : null,
  };
}

/** Modules that one of the adapters trained whole, and the tables of the checkpoint that lie beside adapted ones. */
function wholeTensors(sources: readonly Source[], paths: readonly string[]): Map<string, FloatTensor> {
  const tensors = new Map<string, FloatTensor>(sources.flatMap(({ copies }) => [...copies]));
  for (const { name, trainedWhole } of sources)
    for (const [key, tensor] of trainedWhole) {
      if (tensors.has(key) || paths.some((path) => key.startsWith(`${keyPrefix}${path}.`)))
        throw new UserError(
          `${key} was trained whole (modules_to_save) by ${name}, and another of the adapters changes it too; such tensors cannot be blended. Leave one of the adapters out.`,
        );
      tensors.set(key, tensor);
    }
  return tensors;
}
