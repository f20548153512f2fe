import { UserError } from '../formats/errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ModuleInfo } from '../models/family.ts';
import { matrixOf, product, productTransposed } from './algebra/matrix.ts';
import { plus } from './algebra/plus.ts';
import type { Adapter, CheckpointFacts, Initial, Method, MethodFields, ParameterSpec } from './method.ts';
import { evaluate } from './orthogonal/evaluate.ts';
import { largestExactBlock } from './orthogonal/blocks.ts';
import { parameterTensor } from './parameters.ts';
import { randomUniforms } from './randomNumbers.ts';
import { keyPrefix } from './savedModules.ts';
import { booleanField, integerField } from './schema.ts';
import { attachTuner, biasField, refuseConv1d, refuseWideRank, targetFields } from './tuner.ts';

/**
 * HRA (Yuan et al., arXiv 2405.17484), as PEFT 0.21's tuners/hra defines it: y = W H x + b, H = H₁ H₂ … H_r a chain of Householder
 * reflections Hᵢ = 1 − 2 uᵢuᵢᵀ / |uᵢ|², the uᵢ the columns of hra_u [in, r]; or, with apply_GS, of the uᵢ made orthogonal to one another.
 *
 * A chain of reflections is 1 − U S⁻¹ Uᵀ, S the upper triangle of Uᵀ U with its diagonal halved (Joffrain et al., doi
 * 10.1145/1141885.1141886), and for orthogonal ones 1 − 2 U (Uᵀ U)⁻¹ Uᵀ: neither H nor the chain is formed.
 */
export const hra: Method = {
  peftType: 'HRA',
  name: 'HRA',
  summary:
    "Mirrors the inputs of a layer at r learned planes, which keeps all lengths and angles. Choose it for OFT's carefulness at half of LoRA's size.",
  group: 'orthogonal',
  learningRate: 1e-3,
  fields: [
    integerField({
      name: 'r',
      label: 'Reflections',
      help: 'How many mirrors follow one another; an even number starts without effect.',
      default: 8,
      minimum: 1,
      maximum: largestExactBlock,
    }),
    booleanField({
      name: 'apply_GS',
      label: 'Orthogonal mirrors',
      help: 'Makes the mirrors orthogonal to one another before they are used.',
      default: false,
      advanced: true,
    }),
    ...targetFields,
    booleanField({
      name: 'init_weights',
      label: 'Start in pairs',
      help: 'Starts equal mirrors in pairs, which undo one another, so that training begins with the model as it is.',
      default: true,
      advanced: true,
    }),
    biasField('hra_only'),
  ],
  attach,
  merge({ config, parameters }, values, { name, modulePath, shape, data }) {
    const spec = parameters.find((one) => one.name === parameterName(modulePath));
    const own = spec && values.get(spec.name);
    if (!own || name.endsWith('.bias')) return undefined;
    const [rows = 1, columns = 1] = shape;
    const r = own.length / columns;
    const core = evaluate(values, (graph) => coreOf(graph, graph.parameter(spec.name, spec.shape), config));
    const u = matrixOf(columns, r, own);
    // W (1 − U C Uᵀ)
    const reduced = product(product(matrixOf(rows, columns, data), u), matrixOf(r, r, core.data));
    return plus(data, productTransposed(reduced, u), -1);
  },
};

function parameterName(path: string): string {
  return `${keyPrefix}${path}.hra_u`;
}

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const tuner = attachTuner('HRA', fields, model);
  refuseConv1d('HRA', tuner);
  for (const module of tuner.modules) refuseWideRank('r', fields['r'] as number, module);
  const sites = new Map(tuner.modules.map((module) => [module.path, specOf(fields, module)]));
  return {
    ...tuner.file,
    parameters: [...sites.values(), ...tuner.trained.values()],
    hooks: {
      linear: ({ graph }, { module, base }, x) => {
        const spec = sites.get(module.path);
        return spec ? base(reflect(graph, parameterTensor(graph, spec), fields, x)) : base(x);
      },
      replaces: tuner.replaces,
    },
  };
}

function specOf(fields: MethodFields, { path, inFeatures }: ModuleInfo): ParameterSpec {
  const r = fields['r'] as number;
  const name = parameterName(path);
  const shape = [inFeatures, r];
  const isPaired = fields['init_weights'] === true && r % 2 === 0;
  const initial: Initial = isPaired
    ? { kind: 'computed', compute: ({ seed }) => Promise.resolve(startInPairs(fields, inFeatures, r, seed, name)) }
    : { kind: 'uniform', bound: 1 / Math.sqrt(r) };
  return { name, shape, initial };
}

/** Each column of kaiming_uniform_ (a = √5) twice, side by side. Throws a UserError where equal columns cannot be made orthogonal. */
function startInPairs(
  fields: MethodFields,
  rows: number,
  r: number,
  seed: number,
  name: string,
): Float32Array<ArrayBuffer> {
  if (fields['apply_GS'] === true)
    throw new UserError(
      `apply_GS: the mirrors start in equal pairs, and equal ones cannot be made orthogonal. Set init_weights: false, or an odd r such as ${r + 1}.`,
    );
  const half = r / 2;
  const bound = 1 / Math.sqrt(half);
  const drawn = randomUniforms(rows * half, seed, name).map((x) => (2 * x - 1) * bound);
  return Float32Array.from(
    { length: rows * r },
    (_, i) => drawn[Math.floor(i / r) * half + Math.floor((i % r) / 2)] ?? 0,
  );
}

/** x Hᵀ = x − x U Cᵀ Uᵀ */
function reflect(graph: Graph, u: Tensor, fields: MethodFields, x: Tensor): Tensor {
  const onto = graph.one('matmul', [x, u], { layout: 'nn' });
  const weighted = graph.one('matmul', [onto, coreOf(graph, u, fields)], { layout: 'nt' });
  return graph.one('matmul', [weighted, u, x], { layout: 'nt', alpha: -1 });
}

/** C [r, r] of H = 1 − U C Uᵀ */
function coreOf(graph: Graph, u: Tensor, fields: MethodFields): Tensor {
  const [, r = 1] = u.shape;
  const gram = graph.one('matmul', [u, u], { layout: 'tn' });
  const [weights, factor] =
    fields['apply_GS'] === true ? [gram, 2] : [graph.one('binary', [gram, triangle(graph, r)], { operator: 'mul' }), 1];
  const inverse = graph.one('blockInverse', [weights]);
  return factor === 1 ? inverse : graph.one('scale', [inverse], { factor });
}

/** 1 above the diagonal, ½ on it, 0 below: [r, r] */
function triangle(graph: Graph, r: number): Tensor {
  const half = graph.one('constant', [], { shape: [r, r], value: 0.5, diagonal: true });
  if (r === 1) return half;
  const ones = graph.one('constant', [], { shape: [1, (r * (r - 1)) / 2], value: 1 });
  const above = graph.one('unary', [graph.one('skew', [ones])], { operator: 'relu' });
  return graph.one('binary', [graph.reshape(above, [r, r]), half], { operator: 'add' });
}
