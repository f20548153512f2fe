import { UserError } from '../formats/errors.ts';
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Tensor } from '../graph/tensor.ts';
import type { ModuleInfo } from '../models/family.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields, ParameterSpec } from './method.ts';
import { parameterTensor } from './parameters.ts';
import { keyPrefix } from './savedModules.ts';
import { choiceField, integerField } from './schema.ts';
import { inputDropoutField, mostRank } from './sharedFields.ts';
import { attachTuner, biasField, refuseConv1d, targetFields } from './tuner.ts';

/**
 * MiSS (Kang and Yin, arXiv 2409.15371), as PEFT 0.21's tuners/miss defines it: y = W x + b + Dᵀ s, D = miss_block [r, out], s [r] the sum of
 * every r-th number of dropout(x). `mini` repeats a block [r, mini_r] along the outputs.
 */
export const miss: Method = {
  peftType: 'MISS',
  name: 'MiSS',
  summary:
    'Adds one matrix to each layer that all stretches of its inputs share: simpler and faster than LoRA at the same size. Choose it where every millisecond of a step counts.',
  group: 'lora',
  learningRate: 5e-4,
  fields: [
    integerField({
      name: 'r',
      label: 'Rank',
      help: 'Rows of the shared matrix; the file is as large as that of LoRA at half of it.',
      default: 64,
      minimum: 1,
      maximum: mostRank,
    }),
    inputDropoutField('miss_dropout'),
    choiceField({
      name: 'init_weights',
      label: 'Form and start',
      help: 'true: starts at zero; mini: at zero, with a narrower matrix that is repeated; false: starts at random. (bat, which multiplies the weight block by block, is not there.)',
      default: true,
      choices: ['true', 'false', 'mini'],
      advanced: true,
    }),
    integerField({
      name: 'mini_r',
      label: 'Width of the repeated matrix',
      help: 'Columns of the shared matrix where it is repeated; must divide the outputs.',
      default: 1,
      minimum: 1,
      advanced: true,
    }),
    ...targetFields,
    biasField('MiSS_only'),
  ],
  attach,
  merge({ parameters }, values, { name, modulePath, shape, data }) {
    const spec = parameters.find((one) => one.name === parameterName(modulePath));
    const block = spec && values.get(spec.name);
    if (!block || name.endsWith('.bias')) return undefined;
    const [r = 1, width = 1] = spec.shape;
    const [, columns = 1] = shape;
    return data.map((x, i) => x + (block[((i % columns) % r) * width + (Math.floor(i / columns) % width)] ?? 0));
  },
};

function parameterName(path: string): string {
  return `${keyPrefix}${path}.miss_block`;
}

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const tuner = attachTuner('MISS', fields, model);
  refuseConv1d('MiSS', tuner);
  const sites = new Map(tuner.modules.map((module, index) => [module.path, { spec: specOf(fields, module), index }]));
  const dropout = fields['miss_dropout'] as number;
  return {
    ...tuner.file,
    parameters: [...[...sites.values()].map(({ spec }) => spec), ...tuner.trained.values()],
    hooks: {
      linear: ({ graph, isTraining }, { module, base }, x) => {
        const site = sites.get(module.path);
        if (!site) return base(x);
        const dropped =
          isTraining && dropout > 0 ? graph.one('dropout', [x], { probability: dropout, site: site.index }) : x;
        const update = updateOf(graph, parameterTensor(graph, site.spec), dropped, module.outFeatures);
        return graph.one('binary', [base(x), update], { operator: 'add' });
      },
      replaces: tuner.replaces,
    },
  };
}

function specOf(fields: MethodFields, { path, inFeatures, outFeatures }: ModuleInfo): ParameterSpec {
  const [r, miniWidth] = [fields['r'] as number, fields['mini_r'] as number];
  if (r > inFeatures)
    throw new UserError(
      `r: ${r} is above the inputs of ${path}, of which there are ${inFeatures}. Give ${inFeatures} or less.`,
    );
  const isMini = fields['init_weights'] === 'mini';
  if (isMini && outFeatures % miniWidth !== 0)
    throw new UserError(
      `mini_r: ${miniWidth} does not divide the ${outFeatures} outputs of ${path}. Give ${nearestDivisor(outFeatures, miniWidth)}.`,
    );
  return {
    name: parameterName(path),
    shape: [r, isMini ? miniWidth : outFeatures],
    initial:
      fields['init_weights'] === false
        ? { kind: 'uniform', bound: 1 / Math.sqrt(outFeatures) }
        : { kind: 'constant', value: 0 },
  };
}

function nearestDivisor(width: number, wanted: number): number {
  let divisor = Math.min(width, wanted);
  while (width % divisor !== 0) divisor--;
  return divisor;
}

/** sums [.., r] of every r-th input, times the block, repeated along the outputs where it is narrower */
function updateOf(graph: Graph, block: Tensor, x: Tensor, out: number): Tensor {
  const [r = 1, width = 1] = block.shape;
  const inFeatures = x.shape.at(-1) ?? 1;
  const rows = sizeOf(x.shape) / inFeatures;
  const stretches = Math.ceil(inFeatures / r);
  const flat = graph.reshape(x, [rows, inFeatures]);
  const whole =
    stretches * r === inFeatures ? flat : graph.one('pad', [flat], { axis: 1, start: 0, size: stretches * r });
  const sums = graph.one('reduce', [graph.reshape(whole, [rows, stretches, r])], { operator: 'sum', axes: [1] });
  const once = graph.one('matmul', [sums, block], { layout: 'nn' });
  const repeated =
    width === out
      ? once
      : graph.one('broadcastTo', [graph.reshape(once, [rows, 1, width])], { shape: [rows, out / width, width] });
  return graph.reshape(repeated, [...x.shape.slice(0, -1), out]);
}
