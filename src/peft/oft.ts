import { UserError } from '../formats/errors.ts';
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Shape, type Tensor } from '../graph/tensor.ts';
import type { ModuleInfo } from '../models/family.ts';
import { valuesFromFile } from './initialize.ts';
import type { Adapter, AfterStep, CheckpointFacts, Initial, Method, MethodFields, ParameterSpec } from './method.ts';
import { cayleyDelta, largestExactBlock, rotateBlocks, rotateRows } from './orthogonal/blocks.ts';
import { blocksOf, evaluate } from './orthogonal/evaluate.ts';
import { longestTurn, projected, projectedNumbers } from './orthogonal/projection.ts';
import { parameterTensor } from './parameters.ts';
import { randomNormals } from './randomNumbers.ts';
import { keyPrefix } from './savedModules.ts';
import { booleanField, integerField, numberField } from './schema.ts';
import { attachTuner, biasField, refuseConv1d, targetFields } from './tuner.ts';

/**
 * OFT (Qiu et al., arXiv 2306.07280), as PEFT 0.21's tuners/oft defines it: y = W (x R) + b, R block-diagonal and orthogonal, each block
 * the Cayley transform of a skew-symmetric Q, exact or by a few terms of its series: 1 + 2Q + 2Q² + … + Qᵏ.
 */
export const oft: Method = {
  peftType: 'OFT',
  name: 'OFT',
  summary:
    'Turns the inputs of chosen layers by small rotations and keeps all angles between the neurons. Choose it where the model must not forget what it knows.',
  group: 'orthogonal',
  learningRate: 5e-4,
  fields: [
    integerField({
      name: 'oft_block_size',
      label: 'Block size',
      help: 'How many channels turn together: more can learn more. 0 where the number of blocks is given.',
      default: 32,
      minimum: 0,
    }),
    integerField({
      name: 'r',
      label: 'Blocks',
      help: 'How many blocks a layer has; 0 where their size is given.',
      default: 0,
      minimum: 0,
    }),
    ...targetFields,
    booleanField({
      name: 'block_share',
      label: 'One rotation for all blocks',
      help: 'All blocks of a layer turn alike: a far smaller file.',
      default: false,
    }),
    booleanField({
      name: 'use_cayley_neumann',
      label: 'Rotate by a series',
      help: 'A few terms instead of an inverse: faster, and a rotation nearly.',
      default: true,
      advanced: true,
    }),
    integerField({
      name: 'num_cayley_neumann_terms',
      label: 'Terms of the series',
      help: 'More terms come nearer to a rotation.',
      default: 5,
      minimum: 1,
      maximum: 64,
      advanced: true,
    }),
    booleanField({
      name: 'coft',
      label: 'Keep rotations small',
      help: 'Shortens each block to a largest turn before every step.',
      default: false,
      advanced: true,
    }),
    numberField({
      name: 'eps',
      label: 'Largest turn',
      help: 'How far a block may turn where rotations are kept small.',
      default: 6e-5,
      minimum: 1e-12,
      advanced: true,
    }),
    numberField({
      name: 'module_dropout',
      label: 'Dropout of blocks',
      help: 'Kept in the file and without effect: PEFT 0.21 applies it to no linear layer.',
      default: 0,
      minimum: 0,
      maximum: 0.99,
      advanced: true,
    }),
    booleanField({
      name: 'init_weights',
      label: 'Start without effect',
      help: 'Starts every rotation at none, so that training begins with the model as it is.',
      default: true,
      advanced: true,
    }),
    biasField('oft_only'),
  ],
  attach,
  merge({ config, parameters }, values, { name, modulePath, shape, data }) {
    const spec = parameters.find((one) => one.name === parameterName(modulePath));
    if (!spec || name.endsWith('.bias')) return undefined;
    const delta = evaluate(values, (graph) => deltaOf(graph, spec, config, false));
    const rows = Float64Array.from(data);
    rotateRows(rows, shape[1] ?? 1, blocksOf(delta));
    return Float32Array.from(rows);
  },
};

function parameterName(path: string): string {
  return `${keyPrefix}${path}.oft_R.weight`;
}

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const [size, count] = [fields['oft_block_size'] as number, fields['r'] as number];
  if ((size === 0) === (count === 0))
    throw new UserError(
      `oft_block_size: give either the size of the blocks or their number r, and 0 for the other; here they are ${size} and ${count}.`,
    );
  const tuner = attachTuner('OFT', fields, model);
  refuseConv1d('OFT', tuner);
  const sites = new Map(tuner.modules.map((module) => [module.path, specOf(fields, module)]));
  const specs = [...sites.values()];
  const adapter: Adapter = {
    ...tuner.file,
    parameters: [...specs, ...tuner.trained.values()],
    hooks: {
      linear: ({ graph, isTraining }, { module, base }, x) => {
        const spec = sites.get(module.path);
        return spec ? base(rotateBlocks(graph, x, deltaOf(graph, spec, fields, isTraining))) : base(x);
      },
      replaces: tuner.replaces,
    },
  };
  return fields['coft'] === true ? constrained(adapter, specs, fields['eps'] as number, model.totalSteps) : adapter;
}

function specOf(fields: MethodFields, { path, inFeatures }: ModuleInfo): ParameterSpec {
  const [size, count] = [fields['oft_block_size'] as number, fields['r'] as number];
  const blockSize = count === 0 ? nearestDivisor(inFeatures, size) : inFeatures / nearestDivisor(inFeatures, count);
  if (blockSize < 2)
    throw new UserError(`r: ${count} blocks leave one channel each in ${path}. Give half as many or fewer.`);
  if (fields['use_cayley_neumann'] === false && blockSize > largestExactBlock)
    throw new UserError(
      `oft_block_size: blocks of ${blockSize} in ${path} are too large for exact rotations. Give ${largestExactBlock} or less, or use_cayley_neumann: true.`,
    );
  const shape = [fields['block_share'] === true ? 1 : inFeatures / blockSize, (blockSize * (blockSize - 1)) / 2];
  return { name: parameterName(path), shape, initial: startOf(fields, shape, parameterName(path)) };
}

function startOf(fields: MethodFields, shape: Shape, name: string): Initial {
  if (fields['init_weights'] === true) return { kind: 'constant', value: 0 };
  if (fields['coft'] !== true) return { kind: 'normal', std: 0.1 };
  const longest = longestTurn(fields['eps'] as number, shape);
  const random = (seed: number) => randomNormals(sizeOf(shape), seed, name).map((x) => 0.1 * x);
  return { kind: 'computed', compute: ({ seed }) => Promise.resolve(projectedNumbers(random(seed), shape, longest)) };
}

/** PEFT's adjust_oft_parameters: the divisor of the width that is nearest, the smaller of two equally near. */
function nearestDivisor(width: number, wanted: number): number {
  if (wanted >= width) return width;
  let [lower, higher] = [wanted, wanted];
  while (width % lower !== 0) lower--;
  while (width % higher !== 0) higher++;
  return wanted - lower <= higher - wanted ? lower : higher;
}

/** R − 1 [blocks, b, b]. In training the numbers are short enough already: see `constrained`. */
function deltaOf(graph: Graph, spec: ParameterSpec, fields: MethodFields, isTraining: boolean): Tensor {
  const own = parameterTensor(graph, spec);
  const isFree = fields['coft'] !== true || isTraining;
  const q = graph.one('skew', [isFree ? own : projected(graph, own, longestTurn(fields['eps'] as number, spec.shape))]);
  return fields['use_cayley_neumann'] === true
    ? neumannDelta(graph, q, fields['num_cayley_neumann_terms'] as number)
    : cayleyDelta(graph, q);
}

/** 2Q + 2Q² + … + Qᵏ, k = terms − 1; PEFT takes 3 and 4 terms for the same k = 3, two for 2Q, and one for no rotation at all. */
function neumannDelta(graph: Graph, q: Tensor, terms: number): Tensor {
  const twice = graph.one('scale', [q], { factor: terms === 1 ? 0 : 2 });
  if (terms <= 2) return twice;
  // Horner's scheme from the highest power: S ← 2Q + Q S
  let sum = q;
  for (let power = Math.max(3, terms - 1); power > 1; power--)
    sum = graph.one('matmul', [q, sum, twice], { layout: 'nn' });
  return sum;
}

const appliesName = 'oft.projects';

/**
 * Constrained OFT. PEFT shortens the parameters in place before each forward pass: here, as they are read from a file and after each step
 * but the last, whose numbers PEFT saves as they are.
 */
function constrained(adapter: Adapter, specs: readonly ParameterSpec[], eps: number, totalSteps?: number): Adapter {
  const afterStep: AfterStep = {
    inputs: (step) => new Map([[appliesName, new Uint32Array(Float32Array.of(step === totalSteps ? 0 : 1).buffer)]]),
    trace(graph, { parameter }) {
      const applies = graph.input(appliesName, [1], 'f32');
      for (const { name, shape } of specs) {
        const values = parameter(name);
        const shortened = projected(graph, values, longestTurn(eps, shape), applies);
        graph.one('clear', [values]);
        graph.one('accumulate', [shortened, values]);
      }
    },
  };
  return {
    ...adapter,
    afterStep,
    fromContent({ tensors }) {
      const values = valuesFromFile(adapter, tensors);
      for (const { name, shape } of specs) {
        const own = values.get(name);
        if (own) values.set(name, projectedNumbers(own, shape, longestTurn(eps, shape)));
      }
      return values;
    },
  };
}
