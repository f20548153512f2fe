import { UserError } from '../formats/errors.ts';
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Tensor } from '../graph/tensor.ts';
import type { ModuleInfo } from '../models/family.ts';
import type { Adapter, CheckpointFacts, Initial, Method, MethodFields, ParameterSpec } from './method.ts';
import { evaluate } from './orthogonal/evaluate.ts';
import { parameterTensor } from './parameters.ts';
import { randomNormals } from './randomNumbers.ts';
import { keyPrefix, modulesToSaveField } from './savedModules.ts';
import { booleanField, choiceField, integerField, modulesField } from './schema.ts';
import { attachTuner, refuseConv1d } from './tuner.ts';

/**
 * RoAd (Liao and Monz, arXiv 2409.00119), as PEFT 0.21's tuners/road defines it: the outputs z = W x + b of a layer fall into groups, and
 * each number of the first half of a group turns with its partner in the second: y = z ∘ α cos θ + z⊥ ∘ α sin θ, z⊥ the group as
 * (−second half, first half). road_1 shares θ and α between partners, road_2 does not, road_4 has its own for either column.
 */
export const road: Method = {
  peftType: 'ROAD',
  name: 'RoAd',
  summary:
    'Turns and stretches pairs of a layer’s outputs: as small as (IA)³ and more able. Choose it for many tiny adapters that are switched often.',
  group: 'orthogonal',
  learningRate: 3e-3,
  fields: [
    choiceField({
      name: 'variant',
      label: 'Variant',
      help: 'road_1: one angle and scale for a pair; road_2: for each number; road_4: two for each number.',
      default: 'road_1',
      choices: ['road_1', 'road_2', 'road_4'],
    }),
    integerField({
      name: 'group_size',
      label: 'Group',
      help: 'Numbers whose halves are paired; must divide the outputs.',
      default: 64,
      minimum: 2,
      advanced: true,
    }),
    modulesField({
      name: 'target_modules',
      label: 'Target modules',
      help: 'Which layers are turned.',
      default: null,
    }),
    booleanField({
      name: 'init_weights',
      label: 'Start without effect',
      help: 'Starts every angle at 0 and every scale at 1.',
      default: true,
      advanced: true,
    }),
    modulesToSaveField,
  ],
  attach,
  merge({ config, parameters }, values, { name, modulePath, shape, data }) {
    const theta = parameters.find((one) => one.name === `${keyPrefix}${modulePath}.road_theta`);
    const alpha = parameters.find((one) => one.name === `${keyPrefix}${modulePath}.road_alpha`);
    if (!theta || !alpha) return undefined;
    const rows = shape[0] ?? 1;
    const columns = name.endsWith('.bias') ? 1 : (shape[1] ?? 1);
    const factor = (which: 0 | 1) =>
      evaluate(values, (graph) => columnsOf(graph, { theta, alpha }, config, rows)[which]).data;
    const [along, across] = [factor(0), factor(1)];
    const half = (config['group_size'] as number) / 2;
    return data.map((x, i) => {
      const row = Math.floor(i / columns);
      const isFirst = row % (2 * half) < half;
      const partner = data[i + (isFirst ? half : -half) * columns] ?? 0;
      return x * (along[row] ?? 0) + (isFirst ? -partner : partner) * (across[row] ?? 0);
    });
  },
};

interface Site {
  readonly theta: ParameterSpec;
  readonly alpha: ParameterSpec;
}

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const groupSize = fields['group_size'] as number;
  if (groupSize % 2 !== 0)
    throw new UserError(
      `group_size: ${groupSize} has no halves to pair. Give an even number such as ${groupSize + 1}.`,
    );
  const tuner = attachTuner('ROAD', fields, model);
  refuseConv1d('RoAd', tuner);
  const sites = new Map(tuner.modules.map((module) => [module.path, siteOf(fields, module)]));
  return {
    ...tuner.file,
    parameters: [...[...sites.values()].flatMap(({ theta, alpha }) => [theta, alpha]), ...tuner.trained.values()],
    hooks: {
      linear: ({ graph }, { module, base }, x) => {
        const site = sites.get(module.path);
        return site ? turn(graph, site, fields, base(x)) : base(x);
      },
      replaces: tuner.replaces,
    },
  };
}

function siteOf(fields: MethodFields, { path, outFeatures }: ModuleInfo): Site {
  const groupSize = fields['group_size'] as number;
  if (outFeatures % groupSize !== 0) {
    const even = Array.from({ length: Math.floor(groupSize / 2) }, (_, i) => 2 * (i + 1));
    const works = even.findLast((size) => outFeatures % size === 0);
    throw new UserError(
      `group_size: ${groupSize} does not divide the ${outFeatures} outputs of ${path}. ${works ? `Give ${works}.` : 'Target other modules.'}`,
    );
  }
  const share = { road_1: 0.5, road_2: 1, road_4: 2 }[fields['variant'] as 'road_1' | 'road_2' | 'road_4'];
  const shape = [outFeatures * share];
  const starts = fields['init_weights'] === true;
  const spec = (ending: string, start: number): ParameterSpec => {
    const name = `${keyPrefix}${path}.road_${ending}`;
    const random: Initial = {
      kind: 'computed',
      compute: ({ seed }) => Promise.resolve(randomNormals(sizeOf(shape), seed, name).map((x) => start + 0.5 * x)),
    };
    return { name, shape, initial: starts ? { kind: 'constant', value: start } : random };
  };
  return { theta: spec('theta', 0), alpha: spec('alpha', 1) };
}

function turn(graph: Graph, site: Site, fields: MethodFields, z: Tensor): Tensor {
  const out = z.shape.at(-1) ?? 1;
  const half = (fields['group_size'] as number) / 2;
  const pairs = graph.reshape(z, [sizeOf(z.shape) / (2 * half), 2, half]);
  const [first, second] = [0, 1].map((start) => graph.one('slice', [pairs], { axis: 1, start, size: 1 }));
  if (!first || !second) throw new Error('a group has two halves');
  const turned = graph.one('concat', [graph.one('scale', [second], { factor: -1 }), first], { axis: 1 });
  const [along, across] = columnsOf(graph, site, fields, out);
  const multiply = (a: Tensor, b: Tensor) => graph.one('binary', [a, b], { operator: 'mul' });
  const sum = [multiply(z, along), multiply(graph.reshape(turned, z.shape), across)];
  return graph.one('binary', sum, { operator: 'add' });
}

/** α cos θ and α sin θ for each output: [out] each */
function columnsOf(graph: Graph, site: Site, fields: MethodFields, out: number): [Tensor, Tensor] {
  const groupSize = fields['group_size'] as number;
  const variant = fields['variant'];
  const of = (spec: ParameterSpec, column: 0 | 1): Tensor => {
    const own = parameterTensor(graph, spec);
    const groups = out / groupSize;
    if (variant === 'road_1') {
      const halves = graph.reshape(own, [groups, 1, groupSize / 2]);
      return graph.reshape(graph.one('broadcastTo', [halves], { shape: [groups, 2, groupSize / 2] }), [out]);
    }
    if (variant === 'road_2') return own;
    const columns = graph.reshape(own, [groups, 2, groupSize]);
    return graph.reshape(graph.one('slice', [columns], { axis: 1, start: column, size: 1 }), [out]);
  };
  const column = (which: 0 | 1, operator: 'cos' | 'sin') => {
    const direction = graph.one('unary', [of(site.theta, which)], { operator });
    return graph.one('binary', [direction, of(site.alpha, which)], { operator: 'mul' });
  };
  return [column(0, 'cos'), column(1, 'sin')];
}
