import type { HookTrace, LinearSite } from '../models/hooks.ts';
import type { ModuleInfo } from '../models/family.ts';
import type { Shape, Tensor } from '../graph/tensor.ts';
import { checkLoraFields, checkLoraModule } from './lora/check.ts';
import { doraLinear, doraTable, magnitudeSpecs } from './lora/dora.ts';
import { evaStart } from './lora/eva.ts';
import { evaSettings } from './lora/evaSettings.ts';
import { loraFields } from './lora/fields.ts';
import { mergeLora } from './lora/merge.ts';
import { withRates } from './lora/rates.ts';
import { rankOf, scaleOf } from './lora/scale.ts';
import { parametersOf, plusLowRank, updateOf, type FactorSpecs, type LoraSite } from './lora/site.ts';
import { startOfLinear, takesFromWeight, type Start } from './lora/start.ts';
import { plainContent, withoutTaken } from './lora/taken.ts';
import type { Adapter, CheckpointFacts, Initial, Method, MethodFields } from './method.ts';
import { parameterTensor } from './parameters.ts';
import { keyPrefix } from './savedModules.ts';
import { savedFields } from './schema.ts';
import { attachTuner } from './tuner.ts';

/**
 * LoRA (Hu et al., arXiv 2106.09685), as PEFT 0.21's tuners/lora defines it: y = W x + b + s · B (A (dropout(x))), A [r, in], B [out, r],
 * s = alpha / r, or alpha / √r with use_rslora. On an embedding: y = E[ids] + s · B (A[:, ids]).
 */
export const lora: Method = {
  peftType: 'LORA',
  name: 'LoRA',
  summary:
    'Adds a small low-rank update to chosen linear layers and leaves the model itself untouched. The right first choice: it learns well, merges without cost and every tool loads it.',
  group: 'lora',
  learningRate: 2e-4,
  fields: loraFields,
  attach,
  merge: mergeLora,
};

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  checkLoraFields(fields, model);
  const { modules, trained, replaces, file } = attachTuner('LORA', configFields(fields), model, [
    'linear',
    'embedding',
    'patches',
  ]);
  const sites = new Map(modules.map((module, index) => [module.path, siteOf(fields, module, index)]));
  const own = [...sites.values()].flatMap(parametersOf);
  const adapter: Adapter = {
    ...file,
    parameters: withRates(fields, [...own, ...trained.values()]),
    hooks: {
      linear: (trace, site, x) => {
        const own = sites.get(site.module.path);
        return own ? aroundLinear(trace, own, site, x, fields['lora_dropout'] as number) : site.base(x);
      },
      embedding: (trace, module, ids, base, product) => {
        const own = sites.get(module.path);
        return own ? aroundTable(trace, own, ids, base, product) : base;
      },
      replaces,
    },
  };
  const start = fields['init_lora_weights'] as Start;
  if (start === 'eva') return { ...adapter, startFromRows: (inputs) => evaStart(fields, modules, inputs) };
  if (!takesFromWeight(start)) return adapter;
  return { ...adapter, toContent: async (values) => plainContent(adapter, sites.values(), values) };
}

/**
 * What adapter_config.json keeps. A start from LoftQ is written as a plain one, as PEFT's guide does before it saves: the file is a plain
 * LoRA of the quantised model, and PEFT would quantise and start anew on loading.
 */
function configFields(fields: MethodFields): MethodFields {
  const start = fields['init_lora_weights'];
  return {
    ...savedFields(loraFields, fields),
    init_lora_weights: start === 'loftq' ? true : start,
    loftq_config: {},
    eva_config: start === 'eva' ? evaSettings(fields) : null,
  };
}

function siteOf(fields: MethodFields, module: ModuleInfo, index: number): LoraSite {
  const { path } = module;
  const rank = rankOf(fields, path);
  checkLoraModule(fields, module, rank);
  const scale = scaleOf(fields, path, rank);
  const { factors, taken } = factorsOf(fields, module, rank, scale);
  const bias = { name: `${keyPrefix}${path}.lora_B.bias`, shape: [module.outFeatures], initial: factors.b.initial };
  return {
    module,
    ...factors,
    rank,
    scale,
    index,
    taken,
    bias: fields['lora_bias'] === true ? bias : undefined,
    dora: fields['use_dora'] === true ? magnitudeSpecs(module, scale, { update: factors, taken }) : undefined,
  };
}

function factorsOf(
  fields: MethodFields,
  module: ModuleInfo,
  rank: number,
  scale: number,
): { factors: FactorSpecs; taken?: FactorSpecs } {
  const { path, inFeatures, outFeatures } = module;
  const key = `${keyPrefix}${path}.lora_`;
  const start = fields['init_lora_weights'] as Start;
  const [shapeA, shapeB] = [
    [rank, inFeatures],
    [outFeatures, rank],
  ];
  if (module.kind === 'embedding') {
    // false leaves PyTorch's own, torch.randn
    const normal: Initial = { kind: 'normal', std: 1 };
    const ofA: Initial = start === false ? normal : { kind: 'constant', value: 0 };
    const a = { name: `${key}embedding_A`, shape: [inFeatures, rank], transposedInFile: true, initial: ofA };
    return { factors: { a, b: { name: `${key}embedding_B`, shape: shapeB, initial: normal } } };
  }
  const { a, b, taken } = startOfLinear(start, module, rank, scale);
  const [inFile, inFileB] = convolutionShapes(module, rank);
  return {
    factors: {
      a: { name: `${key}A.weight`, shape: shapeA, shapeInFile: inFile, initial: a },
      b: { name: `${key}B.weight`, shape: shapeB, shapeInFile: inFileB, initial: b },
    },
    taken,
  };
}

/** On a convolution A is one with its kernel, and B one of a single pixel: [r, channels, height, width] and [out, r, 1, 1]. */
function convolutionShapes(
  { shapeInFile, outFeatures }: ModuleInfo,
  rank: number,
): readonly [Shape, Shape] | readonly [undefined, undefined] {
  return shapeInFile
    ? [
        [rank, ...shapeInFile.slice(1)],
        [outFeatures, rank, 1, 1],
      ]
    : [undefined, undefined];
}

function aroundLinear(
  { graph, isTraining }: HookTrace,
  own: LoraSite,
  whole: LinearSite,
  x: Tensor,
  probability: number,
): Tensor {
  const site = own.taken ? withoutTaken(graph, own.taken, own.scale, whole) : whole;
  const drops = isTraining && probability > 0;
  const dropped = drops ? graph.one('dropout', [x], { probability, site: own.index }) : x;
  if (own.dora) return doraLinear(graph, updateOf(graph, own), own.dora, site, x, dropped);
  const updated = plusLowRank(graph, own, own.scale, dropped, site.base(x));
  if (!own.bias) return updated;
  const bias = graph.one('scale', [parameterTensor(graph, own.bias)], { factor: own.scale });
  return graph.one('binary', [updated, bias], { operator: 'add' });
}

/** ids → rows of the table with those of the update */
function aroundTable(
  { graph }: HookTrace,
  { a, b, scale, dora }: LoraSite,
  ids: Tensor,
  base: Tensor,
  product: (x: Tensor) => Tensor,
): Tensor {
  const reduced = graph.one('embedding', [ids, parameterTensor(graph, a)]);
  const rows = graph.one('matmul', [reduced, parameterTensor(graph, b), base], { layout: 'nt', alpha: scale });
  return dora ? doraTable(graph, { a, b }, scale, dora, rows, product) : rows;
}
