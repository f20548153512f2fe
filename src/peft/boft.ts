import { UserError } from '../formats/errors.ts';
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Tensor } from '../graph/tensor.ts';
import type { HookTrace } from '../models/hooks.ts';
import type { ModuleInfo } from '../models/family.ts';
import type { Matrix } from './algebra/matrix.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields, ParameterSpec } from './method.ts';
import { cayleyDelta, largestExactBlock, rotateBlocks, rotateRows } from './orthogonal/blocks.ts';
import { blocksOf, evaluate } from './orthogonal/evaluate.ts';
import { parameterTensor } from './parameters.ts';
import { randomNormals } from './randomNumbers.ts';
import { keyPrefix } from './savedModules.ts';
import { booleanField, integerField, numberField } from './schema.ts';
import { attachTuner, biasField, refuseConv1d, targetFields } from './tuner.ts';

/**
 * BOFT (Liu et al., arXiv 2311.06243), as PEFT 0.21's tuners/boft defines it: y = s ∘ (W (x R)) + b, s [out], R a product of butterfly
 * factors P D Pᵀ, each D block-diagonal with Cayley transforms of the skew parts of boft_R, each P a shuffle that joins blocks twice as
 * far apart as the factor before.
 */
export const boft: Method = {
  peftType: 'BOFT',
  name: 'BOFT',
  summary:
    'Turns the inputs of a layer by a few layers of small rotations, which together reach all channels. Choose it over OFT where the file must be smaller still.',
  group: 'orthogonal',
  learningRate: 1e-3,
  fields: [
    integerField({
      name: 'boft_block_size',
      label: 'Block size',
      help: 'How many channels turn together; 0 where the number of blocks is given.',
      default: 4,
      minimum: 0,
    }),
    integerField({
      name: 'boft_block_num',
      label: 'Blocks',
      help: 'How many blocks a layer has; 0 where their size is given.',
      default: 0,
      minimum: 0,
    }),
    integerField({
      name: 'boft_n_butterfly_factor',
      label: 'Factors',
      help: 'How many rotations follow one another; each joins blocks twice as far apart.',
      default: 1,
      minimum: 1,
      maximum: 16,
    }),
    numberField({
      name: 'boft_dropout',
      label: 'Dropout of blocks',
      help: 'Share of the blocks that do not turn in a training step.',
      default: 0,
      minimum: 0,
      maximum: 0.99,
    }),
    ...targetFields,
    booleanField({
      name: 'init_weights',
      label: 'Start without effect',
      help: 'Starts every rotation at none and every scale at 1.',
      default: true,
      advanced: true,
    }),
    biasField('boft_only'),
  ],
  attach,
  merge({ parameters }, values, { name, modulePath, shape, data }) {
    const [r, s] = ['R', 's'].map((ending) =>
      parameters.find((one) => one.name === `${keyPrefix}${modulePath}.boft_${ending}`),
    );
    const scales = s && values.get(s.name);
    if (!r || !scales || name.endsWith('.bias')) return undefined;
    const [factors = 1, count = 1, size = 1] = r.shape;
    const blocks = blocksOf(evaluate(values, (graph) => deltaOf(graph, r)));
    const [, columns = 1] = shape;
    const rows = Float64Array.from(data);
    // W Rᵀ: the factors in the order in which PEFT multiplies them up
    for (let factor = 0; factor < factors; factor++)
      rotateShuffled(
        rows,
        columns,
        blocks.slice(factor * count, (factor + 1) * count),
        shuffleOf(columns, size, factor),
      );
    return Float32Array.from(rows, (x, i) => x * (scales[Math.floor(i / columns)] ?? 1));
  },
};

interface Site {
  /** [factors, blocks, size, size] */
  readonly rotation: ParameterSpec;
  readonly scale: ParameterSpec;
  /** keys this module's masks */
  readonly index: number;
}

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const [size, count] = [fields['boft_block_size'] as number, fields['boft_block_num'] as number];
  if ((size === 0) === (count === 0))
    throw new UserError(
      `boft_block_size: give either the size of the blocks or boft_block_num, and 0 for the other; here they are ${size} and ${count}.`,
    );
  const tuner = attachTuner('BOFT', fields, model);
  refuseConv1d('BOFT', tuner);
  const sites = new Map(tuner.modules.map((module, index) => [module.path, siteOf(fields, module, index)]));
  return {
    ...tuner.file,
    parameters: [...[...sites.values()].flatMap(({ rotation, scale }) => [rotation, scale]), ...tuner.trained.values()],
    hooks: {
      linear: (trace, { module, base, product, bias }, x) => {
        const site = sites.get(module.path);
        if (!site) return base(x);
        const { graph } = trace;
        const turned = product(rotate(trace, site, fields['boft_dropout'] as number, x));
        const scale = graph.reshape(parameterTensor(graph, site.scale), [module.outFeatures]);
        const scaled = graph.one('binary', [turned, scale], { operator: 'mul' });
        return bias ? graph.one('binary', [scaled, bias], { operator: 'add' }) : scaled;
      },
      replaces: tuner.replaces,
    },
  };
}

function siteOf(fields: MethodFields, { path, inFeatures, outFeatures }: ModuleInfo, index: number): Site {
  const [wantedSize, wantedCount] = [fields['boft_block_size'] as number, fields['boft_block_num'] as number];
  const factors = fields['boft_n_butterfly_factor'] as number;
  const size = wantedSize || inFeatures / wantedCount;
  checkBlocks(path, inFeatures, size, factors);
  const count = inFeatures / size;
  const starts = fields['init_weights'] === true;
  const name = `${keyPrefix}${path}.boft_s`;
  return {
    rotation: {
      name: `${keyPrefix}${path}.boft_R`,
      shape: [factors, count, size, size],
      initial: starts ? { kind: 'constant', value: 0 } : { kind: 'normal', std: 0.1 },
    },
    scale: {
      name,
      shape: [outFeatures, 1],
      initial: starts
        ? { kind: 'constant', value: 1 }
        : {
            kind: 'computed',
            compute: ({ seed }) => Promise.resolve(randomNormals(outFeatures, seed, name).map((x) => 1 + 0.1 * x)),
          },
    },
    index,
  };
}

/** Throws a UserError where the width has no such blocks, with the nearest that works. */
function checkBlocks(path: string, width: number, size: number, factors: number): void {
  const works = (candidate: number, count = factors) =>
    width % candidate === 0 && (count === 1 || (candidate % 2 === 0 && width % (candidate * 2 ** (count - 1)) === 0));
  if (Number.isInteger(size) && size >= 2 && size <= largestExactBlock && works(size)) return;
  const candidates = Array.from({ length: Math.min(width, largestExactBlock) - 1 }, (_, i) => i + 2).filter(
    (candidate) => works(candidate),
  );
  const [nearest] = candidates.sort((a, b) => Math.abs(a - size) - Math.abs(b - size));
  throw new UserError(
    nearest === undefined
      ? `boft_n_butterfly_factor: ${factors} factors do not fit ${path}, whose ${width} inputs cannot be halved so often. Give fewer.`
      : `boft_block_size: ${path} has ${width} inputs, which do not fall into blocks of ${size} for ${factors} factors. Give boft_block_size ${nearest}.`,
  );
}

/** x B_m … B_1, each factor B = P (1 + Δ) Pᵀ. */
function rotate(trace: HookTrace, site: Site, dropout: number, x: Tensor): Tensor {
  const { graph } = trace;
  const [factors = 1, count = 1, size = 1] = site.rotation.shape;
  let delta = deltaOf(graph, site.rotation);
  if (trace.isTraining && dropout > 0 && count > 1) delta = withDropout(graph, delta, dropout / factors, site.index);
  let turned = x;
  for (let factor = factors - 1; factor >= 0; factor--) {
    const own = factors === 1 ? delta : graph.one('slice', [delta], { axis: 0, start: factor * count, size: count });
    const shuffled = shuffle(graph, turned, size, factor, false);
    turned = shuffle(graph, rotateBlocks(graph, shuffled, own), size, factor, true);
  }
  return turned;
}

/** Δ of all blocks of all factors: [factors · blocks, size, size] */
function deltaOf(graph: Graph, { name, shape }: ParameterSpec): Tensor {
  const [factors = 1, count = 1, size = 1] = shape;
  const whole = graph.reshape(graph.parameter(name, shape), [factors * count, size, size]);
  const half = graph.one('scale', [graph.one('unskew', [whole])], { factor: 0.5 });
  return cayleyDelta(graph, graph.one('skew', [half]));
}

/** PEFT picks a factor and lets a share of its blocks stand; here each block of all factors stands with the same probability. */
function withDropout(graph: Graph, delta: Tensor, probability: number, site: number): Tensor {
  const ones = graph.one('constant', [], { shape: [delta.shape[0] ?? 1, 1, 1], value: 1 - probability });
  return graph.one('binary', [delta, graph.one('dropout', [ones], { probability, site })], { operator: 'mul' });
}

/**
 * x P, or x Pᵀ (`back`): within each run of size · 2^factor channels the half blocks of even place stand in front in Pᵀ, as
 * block_butterfly_perm of PEFT's tuners/boft/layer.py orders them.
 */
function shuffle(graph: Graph, x: Tensor, size: number, factor: number, back: boolean): Tensor {
  if (factor === 0) return x;
  const [half, pairs] = [size / 2, 2 ** factor];
  const runs = sizeOf(x.shape) / (half * 2 * pairs);
  const shape = back ? [runs, pairs, 2, half] : [runs, 2, pairs, half];
  const moved = graph.one('transpose', [graph.reshape(x, shape)], { permutation: [0, 2, 1, 3] });
  return graph.reshape(moved, x.shape);
}

/** Where each channel of x Pᵀ comes from in x. */
function shuffleOf(width: number, size: number, factor: number): number[] {
  const [half, pairs] = [size / 2, 2 ** factor];
  const run = half * 2 * pairs;
  return Array.from({ length: width }, (_, to) => {
    if (factor === 0) return to;
    const [start, group, offset] = [to - (to % run), Math.floor((to % run) / half), to % half];
    const from = group < pairs ? 2 * group : 2 * (group - pairs) + 1;
    return start + from * half + offset;
  });
}

/** rows · (P (1 + Δ) Pᵀ)ᵀ in place. */
function rotateShuffled(
  rows: Float64Array,
  columns: number,
  delta: readonly Matrix[],
  sources: readonly number[],
): void {
  const row = new Float64Array(columns);
  for (let start = 0; start < rows.length; start += columns) {
    // w P: what stands at sources[i] after P was at i before it
    sources.forEach((source, i) => (row[source] = rows[start + i] ?? 0));
    rotateRows(row, columns, delta);
    sources.forEach((source, i) => (rows[start + i] = row[source] ?? 0));
  }
}
