import { UserError } from '../formats/errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ModuleInfo } from '../models/family.ts';
import type { Adapter, CheckpointFacts, Initial, MergeTarget, Method, MethodFields, ParameterSpec } from './method.ts';
import { keyPrefix, modulesToSaveField, replacement, savedModules, trainedTensor } from './savedModules.ts';
import {
  booleanField,
  choiceField,
  integerField,
  integersField,
  modulesField,
  numberField,
  patternField,
} from './schema.ts';
import { patternValue, resolveTargets } from './targets.ts';
import { tunerFile } from './tunerFile.ts';

/** Wider than any layer that a browser holds: a slip of the finger must not ask for all memory. */
const mostRank = 16384;

/**
 * LoRA (Hu et al., arXiv 2106.09685), as PEFT 0.21's tuners/lora defines it: y = W x + b + s · B (A (dropout(x))), A [r, in], B [out, r],
 * s = alpha / r, or alpha / √r with use_rslora. On an embedding: y = E[ids] + s · B (A[:, ids]).
 */
export const lora: Method = {
  peftType: 'LORA',
  name: 'LoRA',
  summary:
    'Adds a small low-rank update to chosen linear layers and leaves the model itself untouched. The right first choice: it learns well, merges without cost and every tool loads it.',
  learningRate: 2e-4,
  fields: [
    integerField({
      name: 'r',
      label: 'Rank',
      help: 'Width of the update: more can learn more and makes a larger file.',
      default: 8,
      minimum: 1,
      maximum: mostRank,
    }),
    numberField({
      name: 'lora_alpha',
      label: 'Alpha',
      help: 'Strength of the update: it is scaled by alpha ÷ rank.',
      default: 8,
      minimum: 0,
    }),
    numberField({
      name: 'lora_dropout',
      label: 'Dropout',
      help: 'Share of the inputs dropped in training, against learning few rows by heart.',
      default: 0,
      minimum: 0,
      maximum: 0.99,
    }),
    modulesField({
      name: 'target_modules',
      label: 'Target modules',
      help: 'Which layers get an update; attention and MLP together often beat a higher rank.',
      default: null,
    }),
    booleanField({
      name: 'use_rslora',
      label: 'Rank-stabilised scale',
      help: 'Scales by alpha ÷ √rank, so that high ranks keep their strength.',
      default: false,
      advanced: true,
    }),
    choiceField({
      name: 'init_lora_weights',
      label: 'Start of A',
      help: 'true: uniform as in a fresh linear layer; gaussian: normal with deviation 1 ÷ rank; B starts at zero. false: B starts at random too.',
      default: true,
      choices: ['true', 'false', 'gaussian'],
      advanced: true,
    }),
    choiceField({
      name: 'bias',
      label: 'Train biases',
      help: 'none; all biases of the model; or those of the target modules.',
      default: 'none',
      choices: ['none', 'all', 'lora_only'],
      advanced: true,
    }),
    booleanField({
      name: 'lora_bias',
      label: 'Bias on B',
      help: 'Gives the update a bias of its own.',
      default: false,
      advanced: true,
    }),
    modulesField({
      name: 'exclude_modules',
      label: 'Except modules',
      help: 'Targets to leave out.',
      default: null,
      advanced: true,
    }),
    integersField({ name: 'layers_to_transform', label: 'Layers', help: 'Only these layers, counted from 0.' }),
    modulesField({
      name: 'layers_pattern',
      label: 'Name of the layer list',
      help: 'Needed only where the layers are not in the usual place.',
      default: null,
      advanced: true,
    }),
    patternField({
      name: 'rank_pattern',
      label: 'Rank by module',
      help: 'Other ranks for some modules, e.g. {"q_proj": 16}.',
      whole: true,
      minimum: 1,
      maximum: mostRank,
    }),
    patternField({
      name: 'alpha_pattern',
      label: 'Alpha by module',
      help: 'Other alphas for some modules.',
      whole: false,
      minimum: 0,
    }),
    modulesToSaveField,
  ],
  attach,
  merge: mergeTensor,
};

/** W + s · B A of a linear, E + s · (B A)ᵀ of an embedding, b + s · the bias of B. */
function mergeTensor(
  { config }: Adapter,
  parameters: ReadonlyMap<string, Float32Array>,
  target: MergeTarget,
): Float32Array | undefined {
  const key = `${keyPrefix}${target.modulePath}.lora_`;
  const [rows = 0, columns = 0] = target.shape;
  const a = parameters.get(`${key}A.weight`);
  const b = parameters.get(`${key}B.weight`);
  if (target.name.endsWith('.bias')) {
    const bias = parameters.get(`${key}B.bias`);
    if (!bias || !b) return undefined;
    const scale = scaleOf(config, target.modulePath, b.length / rows);
    return target.data.map((x, i) => x + scale * (bias[i] ?? 0));
  }
  if (a && b) return plusProduct(target.data, b, a, scaleOf(config, target.modulePath, a.length / columns), columns);
  const tableA = parameters.get(`${key}embedding_A`);
  const tableB = parameters.get(`${key}embedding_B`);
  if (!tableA || !tableB) return undefined;
  const r = tableA.length / rows;
  const transposed = tableB.map((_, i) => tableB[(i % columns) * r + Math.floor(i / columns)] ?? 0);
  return plusProduct(target.data, tableA, transposed, scaleOf(config, target.modulePath, r), columns);
}

/** base [rows, columns] + scale · left [rows, r] · right [r, columns] */
function plusProduct(
  base: Float32Array,
  left: Float32Array,
  right: Float32Array,
  scale: number,
  columns: number,
): Float32Array {
  const sum = Float32Array.from(base);
  const r = right.length / columns;
  for (let row = 0; row < base.length / columns; row++)
    for (let j = 0; j < r; j++) {
      const factor = scale * (left[row * r + j] ?? 0);
      if (factor === 0) continue;
      for (let i = 0; i < columns; i++)
        sum[row * columns + i] = (sum[row * columns + i] ?? 0) + factor * (right[j * columns + i] ?? 0);
    }
  return sum;
}

interface Site {
  readonly a: ParameterSpec;
  readonly b: ParameterSpec;
  readonly bias?: ParameterSpec;
  readonly scale: number;
  /** keys this module's dropout masks */
  readonly index: number;
}

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const { description } = model;
  const targetModules = (fields['target_modules'] ?? description.defaultTargets['LORA']?.targetModules ?? null) as
    string | string[] | null;
  const modules = resolveTargets(description, { ...(fields as object), target_modules: targetModules }, [
    'linear',
    'embedding',
  ]);
  const sites = new Map(modules.map((module, index) => [module.path, siteOf(fields, module, index)]));
  const saved = savedModules(description, fields['modules_to_save'] as string[] | null);
  const clash = modules.find((module) => saved.has(`${module.path}.weight`));
  if (clash) throw new UserError(`${clash.path} is in target_modules and in modules_to_save. Leave it in one of them.`);
  const trained = new Map([...saved, ...trainedBiases(fields['bias'] as string, description.modules, sites)]);
  return {
    ...tunerFile('LORA', fields, model, { named: targetModules, modules }),
    parameters: [
      ...[...sites.values()].flatMap(({ a, b, bias }) => (bias ? [a, b, bias] : [a, b])),
      ...trained.values(),
    ],
    hooks: {
      linear: ({ graph, isTraining }, { module, base }, x) => {
        const site = sites.get(module.path);
        return site
          ? aroundLinear(graph, site, isTraining ? (fields['lora_dropout'] as number) : 0, x, base(x))
          : base(x);
      },
      embedding: ({ graph }, module, ids, base) => {
        const site = sites.get(module.path);
        return site
          ? matmulAdd(graph, graph.one('embedding', [ids, graph.parameter(site.a.name, site.a.shape)]), site, base)
          : base;
      },
      replaces: replacement(trained),
    },
  };
}

function siteOf(fields: MethodFields, module: ModuleInfo, index: number): Site {
  const { path, inFeatures, outFeatures } = module;
  const r = patternValue((fields['rank_pattern'] ?? {}) as Record<string, number>, path, fields['r'] as number);
  const key = `${keyPrefix}${path}.lora_`;
  const scale = scaleOf(fields, path, r);
  const start = fields['init_lora_weights'];
  // false leaves PyTorch's own: torch.randn for an embedding's, U(±1/√in) for a linear layer's
  const zeros: Initial = { kind: 'constant', value: 0 };
  const fresh = (width: number): Initial => ({ kind: 'uniform', bound: 1 / Math.sqrt(width) });
  if (module.kind === 'embedding') {
    return {
      a: {
        name: `${key}embedding_A`,
        shape: [inFeatures, r],
        transposedInFile: true,
        initial: start === false ? { kind: 'normal', std: 1 } : zeros,
      },
      b: { name: `${key}embedding_B`, shape: [outFeatures, r], initial: { kind: 'normal', std: 1 } },
      scale,
      index,
    };
  }
  const ofB = start === false ? fresh(r) : zeros;
  return {
    a: {
      name: `${key}A.weight`,
      shape: [r, inFeatures],
      initial: start === 'gaussian' ? { kind: 'normal', std: 1 / r } : fresh(inFeatures),
    },
    b: { name: `${key}B.weight`, shape: [outFeatures, r], initial: ofB },
    bias: fields['lora_bias'] === true ? { name: `${key}B.bias`, shape: [outFeatures], initial: ofB } : undefined,
    scale,
    index,
  };
}

export function scaleOf(fields: MethodFields, path: string, r: number): number {
  const alpha = patternValue(
    (fields['alpha_pattern'] ?? {}) as Record<string, number>,
    path,
    fields['lora_alpha'] as number,
  );
  return fields['use_rslora'] === true ? alpha / Math.sqrt(r) : alpha / r;
}

function aroundLinear(graph: Graph, site: Site, dropout: number, x: Tensor, base: Tensor): Tensor {
  const dropped = dropout > 0 ? graph.one('dropout', [x], { probability: dropout, site: site.index }) : x;
  const reduced = graph.one('matmul', [dropped, graph.parameter(site.a.name, site.a.shape)], { layout: 'nt' });
  return matmulAdd(graph, reduced, site, base);
}

/** base + s · (reduced · Bᵀ + bias) */
function matmulAdd(graph: Graph, reduced: Tensor, site: Site, base: Tensor): Tensor {
  const up = graph.parameter(site.b.name, site.b.shape);
  const product = graph.one('matmul', [reduced, up, base], { layout: 'nt', alpha: site.scale });
  if (!site.bias) return product;
  const bias = graph.one('scale', [graph.parameter(site.bias.name, site.bias.shape)], { factor: site.scale });
  return graph.one('binary', [product, bias], { operator: 'add' });
}

/** bias "all": every bias of the model; "lora_only": those of the targets. On a target the saved name gains base_layer. */
function trainedBiases(
  bias: string,
  modules: readonly ModuleInfo[],
  sites: ReadonlyMap<string, Site>,
): [string, ParameterSpec][] {
  if (bias === 'none') return [];
  return modules
    .filter((module) => module.hasBias && (bias === 'all' || sites.has(module.path)))
    .map(({ path, outFeatures }) => {
      const key = sites.has(path) ? `${keyPrefix}${path}.base_layer.bias` : `${keyPrefix}${path}.bias`;
      return [`${path}.bias`, trainedTensor(`${path}.bias`, [outFeatures], key)];
    });
}
