import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ModuleInfo } from '../models/family.ts';
import { matrixOf, product } from './algebra/matrix.ts';
import { plus } from './algebra/plus.ts';
import { factor, kaiming, lycorisFields, rankAndScale, refuseConvolutions, withDropouts } from './lycoris.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields, ParameterSpec } from './method.ts';
import { parameterTensor } from './parameters.ts';
import { keyPrefix } from './savedModules.ts';
import { booleanField } from './schema.ts';
import { attachTuner, refuseConv1d, refuseWideRank } from './tuner.ts';

/**
 * LoHa (FedPara, Hyeon-Woo et al., arXiv 2108.06098), as PEFT 0.21's tuners/loha defines it: ΔW = (alpha / r) · (w1_a w1_b) ∘ (w2_a w2_b),
 * w1_a and w2_a [out, r], w1_b and w2_b [r, in].
 */
export const loha: Method = {
  peftType: 'LOHA',
  name: 'LoHa',
  summary:
    'Multiplies two low-rank updates number by number, so that rank r reaches rank r². Choose it where LoRA at a small rank is too weak and the file must stay small.',
  group: 'lora',
  learningRate: 1e-3,
  fields: [
    ...lycorisFields,
    booleanField({
      name: 'init_weights',
      label: 'Start without effect',
      help: 'Starts one factor at zero, so that training begins with the model as it is.',
      default: true,
      advanced: true,
    }),
  ],
  attach,
  merge({ config }, parameters, { name, modulePath, shape, data }) {
    const key = `${keyPrefix}${modulePath}.hada_`;
    const [w1a, w1b, w2a, w2b] = ['w1_a', 'w1_b', 'w2_a', 'w2_b'].map((one) => parameters.get(`${key}${one}`));
    if (!w1a || !w1b || !w2a || !w2b || name.endsWith('.bias')) return undefined;
    const [rows = 1, columns = 1] = shape;
    const { rank, scale } = rankAndScale(config, modulePath);
    const half = (a: Float32Array, b: Float32Array) => product(matrixOf(rows, rank, a), matrixOf(rank, columns, b));
    const [first, second] = [half(w1a, w1b), half(w2a, w2b)];
    return plus(data, { ...first, data: first.data.map((x, i) => x * (second.data[i] ?? 0)) }, scale);
  },
};

interface Site {
  readonly w1a: ParameterSpec;
  readonly w1b: ParameterSpec;
  readonly w2a: ParameterSpec;
  readonly w2b: ParameterSpec;
  readonly rank: number;
  readonly scale: number;
  /** keys this module's masks */
  readonly index: number;
}

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  refuseConvolutions(fields);
  const tuner = attachTuner('LOHA', fields, model);
  refuseConv1d('LoHa', tuner);
  const sites = new Map(tuner.modules.map((module, index) => [module.path, siteOf(fields, module, index)]));
  for (const module of tuner.modules) refuseWideRank('r', sites.get(module.path)?.rank ?? 0, module);
  return {
    ...tuner.file,
    parameters: [
      ...[...sites.values()].flatMap(({ w1a, w1b, w2a, w2b }) => [w1a, w1b, w2a, w2b]),
      ...tuner.trained.values(),
    ],
    hooks: {
      linear: (trace, { module, base }, x) => {
        const site = sites.get(module.path);
        if (!site) return base(x);
        const update = withDropouts(trace, updateOf(trace.graph, site, x), fields, site.index, true);
        return trace.graph.one('binary', [base(x), update], { operator: 'add' });
      },
      replaces: tuner.replaces,
    },
  };
}

function siteOf(fields: MethodFields, { path, inFeatures, outFeatures }: ModuleInfo, index: number): Site {
  const { rank, scale } = rankAndScale(fields, path);
  const key = `${keyPrefix}${path}.hada_`;
  return {
    w1a: factor(`${key}w1_a`, [outFeatures, rank]),
    w1b: factor(`${key}w1_b`, [rank, inFeatures]),
    w2a: factor(`${key}w2_a`, [outFeatures, rank]),
    w2b: factor(
      `${key}w2_b`,
      [rank, inFeatures],
      fields['init_weights'] === true ? { kind: 'constant', value: 0 } : kaiming([rank, inFeatures]),
    ),
    rank,
    scale,
    index,
  };
}

/**
 * ΔW x. A product number by number of two matrices of rank r is one of rank r², whose factors are the products of all pairs of columns and
 * of all pairs of rows: while r² is small, ΔW itself is never formed.
 */
function updateOf(graph: Graph, site: Site, x: Tensor): Tensor {
  const { rank, scale } = site;
  const [w1a, w1b, w2a, w2b] = [site.w1a, site.w1b, site.w2a, site.w2b].map((spec) => parameterTensor(graph, spec)) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const [out = 1, inFeatures = 1] = [w1a.shape[0], w1b.shape[1]];
  const multiply = (a: Tensor, b: Tensor) => graph.one('binary', [a, b], { operator: 'mul' });
  if (rank * rank * (out + inFeatures) < out * inFeatures) {
    const pairs = (a: Tensor, b: Tensor, first: readonly number[], second: readonly number[], all: readonly number[]) =>
      graph.reshape(multiply(graph.reshape(a, first), graph.reshape(b, second)), all);
    const down = pairs(w1b, w2b, [rank, 1, inFeatures], [1, rank, inFeatures], [rank * rank, inFeatures]);
    const up = pairs(w1a, w2a, [out, rank, 1], [out, 1, rank], [out, rank * rank]);
    return graph.one('matmul', [graph.one('matmul', [x, down], { layout: 'nt' }), up], { layout: 'nt', alpha: scale });
  }
  const half = (a: Tensor, b: Tensor) => graph.one('matmul', [a, b], { layout: 'nn' });
  return graph.one('matmul', [x, multiply(half(w1a, w1b), half(w2a, w2b))], { layout: 'nt', alpha: scale });
}
