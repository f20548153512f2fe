import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ModuleInfo } from '../models/family.ts';
import { matrixOf, product } from './algebra/matrix.ts';
import { plus } from './algebra/plus.ts';
import type { Adapter, CheckpointFacts, Initial, Method, MethodFields, ParameterSpec } from './method.ts';
import { parameterTensor } from './parameters.ts';
import { keyPrefix } from './savedModules.ts';
import { booleanField, integerField, numberField, patternField } from './schema.ts';
import { inputDropoutField, mostRank, rankPatternField } from './sharedFields.ts';
import { patternValue } from './targets.ts';
import { attachTuner, biasField, refuseConv1d, refuseWideRank, targetFields } from './tuner.ts';

/** PEFT takes no row of A and no column of B for shorter than this. */
const shortest = 1e-4;

/**
 * DeLoRA (Bini et al., arXiv 2503.18225), as PEFT 0.21's tuners/delora defines it: y = W x + b + B (d ∘ (A (w ∘ dropout(x)))) with
 * dᵢ = λ / (r |Aᵢ| |Bᵢ|) over the rows of A [r, in] and columns of B [out, r], and w [in] the norms of the columns of W.
 */
export const delora: Method = {
  peftType: 'DELORA',
  name: 'DeLoRA',
  summary:
    'LoRA whose directions and strength are learned apart: lambda bounds how far it can go. Choose it where a high learning rate or a long run makes LoRA diverge.',
  group: 'lora',
  learningRate: 1e-3,
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
      name: 'delora_lambda',
      label: 'Lambda at the start',
      help: 'How far the update may go; it is learned from there.',
      default: 15,
      minimum: 0,
    }),
    inputDropoutField('module_dropout'),
    ...targetFields,
    booleanField({
      name: 'init_weights',
      label: 'Start without effect',
      help: 'Starts B at zero, so that training begins with the model as it is.',
      default: true,
      advanced: true,
    }),
    rankPatternField,
    patternField({
      name: 'lambda_pattern',
      label: 'Lambda by module',
      help: 'Other lambdas for some modules.',
      whole: false,
      minimum: 0,
    }),
    biasField('delora_only'),
  ],
  attach,
  merge(_, values, { name, modulePath, shape, data }) {
    const key = `${keyPrefix}${modulePath}.delora_`;
    const [a, b, lambda, norms] = ['A', 'B', 'lambda', 'w_norm'].map((one) => values.get(`${key}${one}`));
    if (!a || !b || !lambda || !norms || name.endsWith('.bias')) return undefined;
    const [rows = 1, columns = 1] = shape;
    const r = a.length / columns;
    const lengths = (count: number, at: (rank: number, i: number) => number) =>
      Array.from({ length: r }, (_, rank) => {
        let sum = 0;
        for (let i = 0; i < count; i++) sum += at(rank, i) ** 2;
        return Math.max(shortest, Math.sqrt(sum));
      });
    const ofA = lengths(columns, (rank, i) => a[rank * columns + i] ?? 0);
    const ofB = lengths(rows, (rank, i) => b[i * r + rank] ?? 0);
    const scaled = a.map((x, i) => {
      const rank = Math.floor(i / columns);
      return (x * (lambda[0] ?? 0) * (norms[i % columns] ?? 0)) / (r * (ofA[rank] ?? 1) * (ofB[rank] ?? 1));
    });
    return plus(data, product(matrixOf(rows, r, b), matrixOf(r, columns, scaled)));
  },
};

interface Site {
  readonly a: ParameterSpec;
  readonly b: ParameterSpec;
  readonly lambda: ParameterSpec;
  readonly norms: ParameterSpec;
  /** keys this module's dropout masks */
  readonly index: number;
}

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const tuner = attachTuner('DELORA', fields, model);
  refuseConv1d('DeLoRA', tuner);
  const sites = new Map(tuner.modules.map((module, index) => [module.path, siteOf(fields, module, index)]));
  const dropout = fields['module_dropout'] as number;
  return {
    ...tuner.file,
    parameters: [
      ...[...sites.values()].flatMap(({ a, b, lambda, norms }) => [a, b, lambda, norms]),
      ...tuner.trained.values(),
    ],
    hooks: {
      linear: ({ graph, isTraining }, { module, base }, x) => {
        const site = sites.get(module.path);
        if (!site) return base(x);
        const dropped =
          isTraining && dropout > 0 ? graph.one('dropout', [x], { probability: dropout, site: site.index }) : x;
        return update(graph, site, dropped, base(x));
      },
      replaces: tuner.replaces,
    },
  };
}

function siteOf(fields: MethodFields, module: ModuleInfo, index: number): Site {
  const { path, inFeatures, outFeatures } = module;
  const pattern = (name: string) => (fields[name] ?? {}) as Record<string, number>;
  const r = patternValue(pattern('rank_pattern'), path, fields['r'] as number);
  refuseWideRank('r', r, module);
  const key = `${keyPrefix}${path}.delora_`;
  const fresh = (width: number): Initial => ({ kind: 'uniform', bound: 1 / Math.sqrt(width) });
  return {
    a: { name: `${key}A`, shape: [r, inFeatures], initial: fresh(inFeatures) },
    b: {
      name: `${key}B`,
      shape: [outFeatures, r],
      initial: fields['init_weights'] === true ? { kind: 'constant', value: 0 } : fresh(r),
    },
    lambda: {
      name: `${key}lambda`,
      shape: [1],
      initial: {
        kind: 'constant',
        value: patternValue(pattern('lambda_pattern'), path, fields['delora_lambda'] as number),
      },
    },
    norms: {
      name: `${key}w_norm`,
      shape: [inFeatures],
      role: 'frozen',
      initial: {
        kind: 'computed',
        compute: async ({ base }) => columnNorms(await base(`${path}.weight`), inFeatures),
      },
    },
    index,
  };
}

/** Norms of the columns of a weight [.., columns]. */
function columnNorms(weight: Float32Array, columns: number): Float32Array<ArrayBuffer> {
  const squares = new Float64Array(columns);
  weight.forEach((x, i) => (squares[i % columns] = (squares[i % columns] ?? 0) + x * x));
  return Float32Array.from(squares, Math.sqrt);
}

function update(graph: Graph, site: Site, x: Tensor, base: Tensor): Tensor {
  const [a, b, lambda, norms] = [site.a, site.b, site.lambda, site.norms].map((spec) => parameterTensor(graph, spec));
  if (!a || !b || !lambda || !norms) throw new Error('DeLoRA has four tensors for a module');
  const [r = 1] = a.shape;
  const apply = (operator: 'mul' | 'div', left: Tensor, right: Tensor) =>
    graph.one('binary', [left, right], { operator });
  const lengths = apply('mul', lengthsAlong(graph, a, 1), lengthsAlong(graph, b, 0));
  const weights = apply('div', graph.one('scale', [lambda], { factor: 1 / r }), lengths);
  const reduced = graph.one('matmul', [apply('mul', x, norms), a], { layout: 'nt' });
  return graph.one('matmul', [apply('mul', reduced, weights), b, base], { layout: 'nt' });
}

/** max(10⁻⁴, |·|) along an axis of a matrix. Squares are bounded first: the root of 0 has no slope. */
function lengthsAlong(graph: Graph, matrix: Tensor, axis: number): Tensor {
  const squares = graph.one('unary', [matrix], { operator: 'square' });
  const sums = graph.one('reduce', [squares], { operator: 'sum', axes: [axis] });
  const least = graph.one('constant', [], { shape: [1], value: shortest ** 2 });
  return graph.one('unary', [graph.one('binary', [sums, least], { operator: 'max' })], { operator: 'sqrt' });
}
