import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Tensor } from '../graph/tensor.ts';
import type { ModuleInfo } from '../models/family.ts';
import { matrixOf, product, type Matrix } from './algebra/matrix.ts';
import { plus } from './algebra/plus.ts';
import { factor, kaiming, lycorisFields, rankAndScale, refuseConvolutions, withDropouts } from './lycoris.ts';
import type { Adapter, CheckpointFacts, Initial, Method, MethodFields, ParameterSpec } from './method.ts';
import { parameterTensor } from './parameters.ts';
import { keyPrefix } from './savedModules.ts';
import { booleanField, choiceField, integerField } from './schema.ts';
import { attachTuner, refuseConv1d } from './tuner.ts';

/**
 * LoKr (Yeh et al., LyCORIS, arXiv 2309.14859), as PEFT 0.21's tuners/lokr defines it: ΔW = (alpha / r) · w1 ⊗ w2, w1 [a, c], w2 [b, d],
 * out = a · b, in = c · d; either may be a product of two factors of rank r.
 */
export const lokr: Method = {
  peftType: 'LOKR',
  name: 'LoKr',
  summary:
    "Builds the update as a Kronecker product of two small matrices: a tenth of LoRA's size and often as good. Choose it for the smallest file that still learns much.",
  group: 'lora',
  learningRate: 3e-3,
  fields: [
    ...lycorisFields,
    booleanField({
      name: 'decompose_both',
      label: 'Factor both',
      help: 'Makes the left matrix a product of two of rank r as well, where that is smaller.',
      default: false,
    }),
    integerField({
      name: 'decompose_factor',
      label: 'Size of the left matrix',
      help: 'A layer of 576 with factor 8 becomes 8 × 72; −1 cuts near the square root.',
      default: -1,
      minimum: -1,
    }),
    booleanField({
      name: 'rank_dropout_scale',
      label: 'Scale what is left',
      help: 'Divides the output channels that dropout leaves by their share.',
      default: false,
      advanced: true,
    }),
    choiceField({
      name: 'init_weights',
      label: 'Start',
      help: 'true: the left matrix at zero; lycoris: the right one, as the LyCORIS library does; false: none.',
      default: true,
      choices: ['true', 'false', 'lycoris'],
      advanced: true,
    }),
  ],
  attach,
  merge({ config, parameters: specs }, parameters, { name, modulePath, data }) {
    const whole = (half: 'w1' | 'w2') => halfOf(`${keyPrefix}${modulePath}.lokr_${half}`, specs, parameters);
    const [left, right] = [whole('w1'), whole('w2')];
    if (!left || !right || name.endsWith('.bias')) return undefined;
    return plus(data, kronecker(left, right), rankAndScale(config, modulePath).scale);
  },
};

/** w1 or w2: a matrix, or a product of two [rows, r] · [r, columns] */
type Half = readonly [ParameterSpec] | readonly [ParameterSpec, ParameterSpec];

interface Site {
  readonly left: Half;
  readonly right: Half;
  readonly scale: number;
  /** keys this module's masks */
  readonly index: number;
}

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  refuseConvolutions(fields);
  const tuner = attachTuner('LOKR', fields, model);
  refuseConv1d('LoKr', tuner);
  const sites = new Map(tuner.modules.map((module, index) => [module.path, siteOf(fields, module, index)]));
  return {
    ...tuner.file,
    parameters: [...[...sites.values()].flatMap(({ left, right }) => [...left, ...right]), ...tuner.trained.values()],
    hooks: {
      linear: (trace, { module, base }, x) => {
        const site = sites.get(module.path);
        if (!site) return base(x);
        const scales = fields['rank_dropout_scale'] === true;
        const update = withDropouts(trace, updateOf(trace.graph, site, x), fields, site.index, scales);
        return trace.graph.one('binary', [base(x), update], { operator: 'add' });
      },
      replaces: tuner.replaces,
    },
  };
}

function siteOf(fields: MethodFields, { path, inFeatures, outFeatures }: ModuleInfo, index: number): Site {
  const { rank, scale } = rankAndScale(fields, path);
  const cut = fields['decompose_factor'] as number;
  const [a, b] = factorization(outFeatures, cut);
  const [c, d] = factorization(inFeatures, cut);
  const start = fields['init_weights'];
  const zeros: Initial = { kind: 'constant', value: 0 };
  const half = (name: string, rows: number, columns: number, isFactored: boolean, zero?: 'first' | 'last'): Half => {
    const spec = (ending: string, shape: readonly [number, number], isZero: boolean) =>
      factor(`${keyPrefix}${path}.lokr_${name}${ending}`, shape, isZero ? zeros : kaiming(shape));
    return isFactored
      ? [spec('_a', [rows, rank], zero === 'first'), spec('_b', [rank, columns], zero === 'last')]
      : [spec('', [rows, columns], zero !== undefined)];
  };
  const isSmall = (rows: number, columns: number) => rank < Math.max(rows, columns) / 2;
  const leftIsFactored = fields['decompose_both'] === true && isSmall(a, c);
  return {
    left: half('w1', a, c, leftIsFactored, start === true ? 'first' : undefined),
    right: half('w2', b, d, isSmall(b, d), start === 'lycoris' ? 'last' : undefined),
    scale,
    index,
  };
}

/** Two factors of a dimension, the smaller first: LyCORIS's own search, near the square root or near `cut` (modules/lokr.py). */
export function factorization(dimension: number, cut: number): [number, number] {
  if (cut > 0 && dimension % cut === 0) return [cut, dimension / cut];
  const most = cut === -1 ? dimension : cut;
  let [m, n] = [1, dimension];
  const length = m + n;
  while (m < n) {
    let next = m + 1;
    while (dimension % next !== 0) next++;
    if (next + dimension / next > length || next > most) break;
    [m, n] = [next, dimension / next];
  }
  return m > n ? [n, m] : [m, n];
}

/** ΔW x without ΔW: x [.., c · d] as matrices X [c, d] gives w1 X w2ᵀ [a, b]. */
function updateOf(graph: Graph, site: Site, x: Tensor): Tensor {
  const [w1, w2] = [wholeOf(graph, site.left), wholeOf(graph, site.right)];
  const [[a = 1, c = 1], [b = 1, d = 1]] = [w1.shape, w2.shape];
  const rows = sizeOf(x.shape) / (c * d);
  const swap = (value: Tensor) => graph.one('transpose', [value], { permutation: [0, 2, 1] });
  const right = graph.one('matmul', [graph.reshape(x, [rows, c, d]), w2], { layout: 'nt' });
  const both = graph.one('matmul', [swap(right), w1], { layout: 'nt', alpha: site.scale });
  return graph.reshape(swap(both), [...x.shape.slice(0, -1), a * b]);
}

function wholeOf(graph: Graph, [first, second]: Half): Tensor {
  const matrix = parameterTensor(graph, first);
  return second ? graph.one('matmul', [matrix, parameterTensor(graph, second)], { layout: 'nn' }) : matrix;
}

/** w1 or w2 from the file's numbers. */
function halfOf(
  name: string,
  specs: readonly ParameterSpec[],
  parameters: ReadonlyMap<string, Float32Array>,
): Matrix | undefined {
  const read = (key: string) => {
    const [values, spec] = [parameters.get(key), specs.find((one) => one.name === key)];
    return values && spec && matrixOf(spec.shape[0] ?? 1, spec.shape[1] ?? 1, values);
  };
  const [first, second] = [read(`${name}_a`), read(`${name}_b`)];
  return first && second ? product(first, second) : read(name);
}

/** (i · b + k, j · d + l) of the product is left (i, j) · right (k, l). */
function kronecker(left: Matrix, right: Matrix): Matrix {
  const [rows, columns] = [left.rows * right.rows, left.columns * right.columns];
  const data = new Float64Array(rows * columns);
  data.forEach((_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    const outer = Math.floor(row / right.rows) * left.columns + Math.floor(column / right.columns);
    const inner = (row % right.rows) * right.columns + (column % right.columns);
    data[at] = (left.data[outer] ?? 0) * (right.data[inner] ?? 0);
  });
  return { rows, columns, data };
}
