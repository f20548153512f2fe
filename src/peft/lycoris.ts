import { UserError } from '../formats/errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Shape, Tensor } from '../graph/tensor.ts';
import type { HookTrace } from '../models/hooks.ts';
import type { Initial, MethodFields, ParameterSpec } from './method.ts';
import { booleanField, integerField, numberField, type FieldSchema } from './schema.ts';
import { alphaPatternField, mostRank, rankPatternField } from './sharedFields.ts';
import { patternValue } from './targets.ts';
import { targetFields } from './tuner.ts';

const share = { default: 0, minimum: 0, maximum: 0.99, advanced: true } as const;

/** The fields that PEFT's LycorisConfig and the two methods on it share. */
export const lycorisFields: readonly FieldSchema[] = [
  integerField({
    name: 'r',
    label: 'Rank',
    help: 'Size of the factors: more can learn more and makes a larger file.',
    default: 8,
    minimum: 1,
    maximum: mostRank,
  }),
  numberField({
    name: 'alpha',
    label: 'Alpha',
    help: 'Strength of the update: it is scaled by alpha ÷ rank.',
    default: 8,
    minimum: 0,
  }),
  numberField({
    ...share,
    name: 'rank_dropout',
    label: 'Dropout of outputs',
    help: 'Share of the output channels that the update leaves out in a training step.',
  }),
  numberField({
    ...share,
    name: 'module_dropout',
    label: 'Dropout of modules',
    help: 'Share of the modules whose update is left out in a training step.',
  }),
  ...targetFields,
  rankPatternField,
  alphaPatternField,
  booleanField({
    name: 'use_effective_conv2d',
    label: 'Convolutions by parts',
    help: 'Concerns convolutions, which no model here has; must stay off.',
    default: false,
    advanced: true,
  }),
];

/** Throws a UserError where a switch is on that concerns convolutions alone. */
export function refuseConvolutions(fields: MethodFields): void {
  if (fields['use_effective_conv2d'] === true)
    throw new UserError(
      'use_effective_conv2d: it concerns convolutions, and the models here have none that it could change. Leave it off.',
    );
}

/** Rank of a module, and what its update is scaled by: alpha ÷ rank. */
export function rankAndScale(fields: MethodFields, path: string): { rank: number; scale: number } {
  const pattern = (name: string) => (fields[name] ?? {}) as Record<string, number>;
  const rank = patternValue(pattern('rank_pattern'), path, fields['r'] as number);
  return { rank, scale: patternValue(pattern('alpha_pattern'), path, fields['alpha'] as number) / rank };
}

/** torch.nn.init.kaiming_uniform_ with a = √5, of a matrix [rows, columns]. */
export function kaiming([, columns = 1]: Shape): Initial {
  return { kind: 'uniform', bound: 1 / Math.sqrt(columns) };
}

export function factor(name: string, shape: Shape, initial: Initial = kaiming(shape)): ParameterSpec {
  return { name, shape, initial };
}

/**
 * The update's outputs [.., out] with what training drops of them: whole output channels (rows of ΔW), what is left scaled by the share
 * that is left, or as it is; and the whole module.
 * @param index keys this module's masks
 */
export function withDropouts(
  { graph, isTraining }: HookTrace,
  update: Tensor,
  fields: MethodFields,
  index: number,
  scalesWhatIsLeft: boolean,
): Tensor {
  if (!isTraining) return update;
  const ofRows = fields['rank_dropout'] as number;
  const ofModules = fields['module_dropout'] as number;
  const multiply = (a: Tensor, b: Tensor) => graph.one('binary', [a, b], { operator: 'mul' });
  let result = update;
  if (ofRows > 0) {
    const kept = mask(graph, update.shape.at(-1) ?? 1, ofRows, 2 * index);
    result = multiply(result, scalesWhatIsLeft ? overMean(graph, kept) : kept);
  }
  return ofModules > 0 ? multiply(result, mask(graph, 1, ofModules, 2 * index + 1)) : result;
}

/** 1 with probability 1 − p, else 0: [count] */
function mask(graph: Graph, count: number, probability: number, site: number): Tensor {
  const ones = graph.one('constant', [], { shape: [count], value: 1 - probability });
  return graph.one('dropout', [ones], { probability, site });
}

/** mask ÷ its mean; all 0 where nothing is left. */
function overMean(graph: Graph, kept: Tensor): Tensor {
  const mean = graph.one('reduce', [kept], { operator: 'mean', axes: [0], keepDims: true });
  const tiny = graph.one('constant', [], { shape: [1], value: 1e-12 });
  return graph.one('binary', [kept, graph.one('binary', [mean, tiny], { operator: 'max' })], { operator: 'div' });
}
