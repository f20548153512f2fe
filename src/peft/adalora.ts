import { UserError } from '../formats/errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ModuleInfo } from '../models/family.ts';
import type { Allocation } from './adalora/allocation.ts';
import { withAllocator } from './adalora/allocator.ts';
import { adaloraFields } from './adalora/fields.ts';
import { checkPattern, patternKey, type RankPattern } from './adalora/rankPattern.ts';
import type { Site } from './adalora/site.ts';
import { matrixOf, product } from './algebra/matrix.ts';
import { plus } from './algebra/plus.ts';
import type { Adapter, CheckpointFacts, Initial, Method, MethodFields } from './method.ts';
import { parameterTensor } from './parameters.ts';
import { keyPrefix } from './savedModules.ts';
import { attachTuner, refuseWideRank, type Tuner } from './tuner.ts';

/**
 * AdaLoRA (Zhang et al., arXiv 2303.10512), as PEFT 0.21's tuners/adalora defines it: y = W x + b + s · B (E ∘ (A dropout(x))), A [r, in],
 * E [r, 1], B [out, r], s = alpha / (init_r + 10⁻⁵). After each optimizer step the triplets (row of A, E, column of B) of all matrices
 * compete for a falling budget of ranks; a penalty keeps A and B orthogonal.
 */
export const adalora: Method = {
  peftType: 'ADALORA',
  name: 'AdaLoRA',
  summary:
    'LoRA whose ranks move, while it trains, to the layers that need them. Choose it where a small adapter must do much and the run is long enough to sort the ranks.',
  group: 'lora',
  learningRate: 1e-3,
  fields: adaloraFields,
  attach,
  merge(adapter, parameters, { name, modulePath, shape, data }) {
    const key = `${keyPrefix}${modulePath}.lora_`;
    const [a, b, e] = ['A', 'B', 'E'].map((factor) => parameters.get(`${key}${factor}`));
    if (!a || !b || !e || name.endsWith('.bias')) return undefined;
    const [rows = 1, columns = 1] = shape;
    const scaled = a.map((x, i) => x * (e[Math.floor(i / columns)] ?? 0));
    const delta = product(matrixOf(rows, e.length, b), matrixOf(e.length, columns, scaled));
    return plus(data, delta, scaleOf(adapter.config));
  },
};

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const tuner = attachTuner('ADALORA', fields, model);
  const initialRank = fields['init_r'] as number;
  const pattern = fields['rank_pattern'] as RankPattern | null;
  if (pattern) checkPattern(pattern, tuner.modules, initialRank);
  const sites = tuner.modules.map((module, index) => siteOf(fields, module, index, pattern));
  const totalStep = (fields['total_step'] as number) || model.totalSteps;
  if (totalStep === undefined)
    throw new UserError(
      'total_step: AdaLoRA spreads its cuts over the steps of the run, and their number is not known here. Give total_step or max_steps.',
    );
  const allocation: Allocation = {
    totalStep,
    tinit: fields['tinit'] as number,
    tfinal: fields['tfinal'] as number,
    deltaT: fields['deltaT'] as number,
    initialRanks: initialRank * sites.length,
    targetRanks: (fields['target_r'] as number) * sites.length,
  };
  checkSettings(fields, allocation);
  for (const module of tuner.modules) refuseWideRank('init_r', initialRank, module);
  const factors = sites.flatMap(({ a, b, e }) => [a, b, e]);
  const base: Adapter = {
    ...tuner.file,
    config: { ...tuner.file.config, total_step: totalStep },
    parameters: [...factors, ...tuner.trained.values()],
    hooks: hooksOf(fields, sites, tuner),
    ...((fields['orth_reg_weight'] as number) > 0 && {
      regularizer: (graph: Graph) => orthogonality(graph, sites, fields['orth_reg_weight'] as number),
    }),
  };
  // ranks that a file has cut are settled: what is left goes on as it is
  return pattern ? base : withAllocator(base, fields, sites, allocation);
}

function siteOf(fields: MethodFields, module: ModuleInfo, index: number, pattern: RankPattern | null): Site {
  const { path, inFeatures, outFeatures } = module;
  const key = `${keyPrefix}${path}.lora_`;
  const r = pattern?.[patternKey(path)]?.filter(Boolean).length ?? (fields['init_r'] as number);
  // false leaves PyTorch's torch.randn
  const starts = fields['init_lora_weights'] === true;
  const factor: Initial = { kind: 'normal', std: starts ? 0.02 : 1 };
  return {
    module,
    a: { name: `${key}A`, shape: [r, inFeatures], initial: factor },
    b: { name: `${key}B`, shape: [outFeatures, r], initial: factor },
    e: { name: `${key}E`, shape: [r, 1], initial: starts ? { kind: 'constant', value: 0 } : factor },
    index,
  };
}

function scaleOf(fields: MethodFields): number {
  const [alpha, r] = [fields['lora_alpha'] as number, fields['init_r'] as number];
  return (alpha > 0 ? alpha : r) / (r + 1e-5);
}

function checkSettings(fields: MethodFields, { totalStep, tinit, tfinal }: Allocation): void {
  const [initialRank, targetRank] = [fields['init_r'] as number, fields['target_r'] as number];
  if (initialRank <= targetRank)
    throw new UserError(
      `init_r: AdaLoRA cuts ranks from init_r down to target_r, and ${initialRank} is not more than ${targetRank}. Give init_r ${Math.ceil(targetRank * 1.5)}, or LORA with r ${targetRank} if no rank is to be cut.`,
    );
  if (tinit >= totalStep - tfinal)
    throw new UserError(
      `total_step: ${totalStep} steps leave none to cut ranks in, after tinit ${tinit} and before tfinal ${tfinal}. Give at least ${tinit + tfinal + 1}, or a shorter tinit or tfinal.`,
    );
}

function hooksOf(fields: MethodFields, all: readonly Site[], { replaces }: Tuner): Adapter['hooks'] {
  const sites = new Map(all.map((site) => [site.module.path, site]));
  const dropout = fields['lora_dropout'] as number;
  const scale = scaleOf(fields);
  return {
    linear: ({ graph, isTraining }, { module, base }, x) => {
      const site = sites.get(module.path);
      if (!site || site.a.shape[0] === 0) return base(x);
      const dropped =
        isTraining && dropout > 0 ? graph.one('dropout', [x], { probability: dropout, site: site.index }) : x;
      const reduced = graph.one('matmul', [dropped, parameterTensor(graph, site.a)], { layout: 'nt' });
      const values = graph.reshape(parameterTensor(graph, site.e), [site.a.shape[0] ?? 0]);
      const weighted = graph.one('binary', [reduced, values], { operator: 'mul' });
      return graph.one('matmul', [weighted, parameterTensor(graph, site.b), base(x)], { layout: 'nt', alpha: scale });
    },
    replaces,
  };
}

/** weight · the mean over all A and B of ‖A Aᵀ − 1‖ or ‖Bᵀ B − 1‖ (Frobenius): [1] */
function orthogonality(graph: Graph, sites: readonly Site[], weight: number): Tensor {
  const distance = (factor: Tensor, layout: 'nt' | 'tn', r: number) => {
    const minusOne = graph.one('constant', [], { shape: [r, r], value: -1, diagonal: true });
    const difference = graph.one('matmul', [factor, factor, minusOne], { layout });
    const squares = graph.one('unary', [difference], { operator: 'square' });
    const sum = graph.one('reduce', [squares], { operator: 'sum', axes: [0, 1] });
    return graph.one('unary', [graph.reshape(sum, [1])], { operator: 'sqrt' });
  };
  const distances = sites.flatMap(({ a, b }) => {
    const [r = 0] = a.shape;
    return r === 0 ? [] : [distance(parameterTensor(graph, a), 'nt', r), distance(parameterTensor(graph, b), 'tn', r)];
  });
  if (distances.length === 0) return graph.one('constant', [], { shape: [1], value: 0 });
  const sum = distances.reduce((total, next) => graph.one('binary', [total, next], { operator: 'add' }));
  return graph.one('scale', [sum], { factor: weight / (2 * sites.length) });
}
