import { UserError } from '../formats/errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ModuleInfo } from '../models/family.ts';
import { matrixOf, product } from './algebra/matrix.ts';
import { plus } from './algebra/plus.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields, ParameterSpec } from './method.ts';
import { parameterTensor } from './parameters.ts';
import { randomPermutation } from './randomPermutation.ts';
import { keyPrefix } from './savedModules.ts';
import { booleanField, integerField, numberField, patternField } from './schema.ts';
import { patternValue } from './targets.ts';
import { attachTuner, biasField, targetFields } from './tuner.ts';

/**
 * FourierFT (Gao et al., arXiv 2405.03003), as PEFT 0.21's tuners/fourierft defines it: ΔW = scaling · Re(ifft2(S)), S [out, in] zero but
 * at n places (pₘ, qₘ) drawn from a seed, where the trained spectrum cₘ stands. So ΔW is a sum of n waves,
 * scaling / (out · in) · Σ cₘ (cos pⱼ cos qₖ − sin pⱼ sin qₖ) with pⱼ = 2π pₘ j / out, qₖ = 2π qₘ k / in: two frozen tables of waves with the
 * spectrum between them, and ΔW is never formed.
 */
export const fourierft: Method = {
  peftType: 'FOURIERFT',
  name: 'FourierFT',
  summary:
    'Learns a few waves of the update instead of its numbers: a thousand for a layer make a file of kilobytes. Choose it where the file must be tiny.',
  group: 'orthogonal',
  learningRate: 5e-2,
  fields: [
    integerField({
      name: 'n_frequency',
      label: 'Waves',
      help: 'How many waves a layer learns: more can learn more.',
      default: 1000,
      minimum: 1,
    }),
    numberField({
      name: 'scaling',
      label: 'Scale',
      help: 'Strength of the waves; 100 to 300 is usual for language models.',
      default: 150,
      minimum: 0,
    }),
    integerField({
      name: 'random_loc_seed',
      label: 'Seed of the places',
      help: 'Which waves are learned; the file does not hold them, so it must stay with the adapter.',
      default: 777,
      minimum: 0,
      maximum: 2 ** 32 - 1,
      advanced: true,
    }),
    ...targetFields,
    patternField({
      name: 'n_frequency_pattern',
      label: 'Waves by module',
      help: 'Other numbers of waves for some modules, e.g. {"q_proj": 500}.',
      whole: true,
      minimum: 1,
    }),
    booleanField({
      name: 'init_weights',
      label: 'Start without effect',
      help: 'Starts the spectrum at zero; otherwise it starts as standard normal numbers, as its authors have it.',
      default: false,
      advanced: true,
    }),
    biasField('fourier_only'),
  ],
  attach,
  merge({ config }, values, { name, modulePath, shape, data }) {
    const spectrum = values.get(parameterName(modulePath));
    if (!spectrum || name.endsWith('.bias')) return undefined;
    const [rows = 1, columns = 1] = shape;
    const tables = wavesOf(rows, columns, spectrum.length, config['random_loc_seed'] as number);
    const waves = 2 * spectrum.length;
    const right = tables.right.map((x, i) => x * (spectrum[Math.floor(i / columns) % spectrum.length] ?? 0));
    const delta = product(matrixOf(rows, waves, tables.left), matrixOf(waves, columns, right));
    return plus(data, delta, (config['scaling'] as number) / (rows * columns));
  },
};

interface Site {
  readonly spectrum: ParameterSpec;
  /** cosines, then sines, along the inputs [2n, in] */
  readonly right: ParameterSpec;
  /** cosines, then negative sines, along the outputs [out, 2n] */
  readonly left: ParameterSpec;
}

function parameterName(path: string): string {
  return `${keyPrefix}${path}.fourierft_spectrum`;
}

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const tuner = attachTuner('FOURIERFT', fields, model);
  const sites = new Map(tuner.modules.map((module) => [module.path, siteOf(fields, module)]));
  const scaling = fields['scaling'] as number;
  // layers of one shape and number of waves share their tables
  const tables = new Map(
    [...sites.values()].flatMap(({ right, left }) => [right, left]).map((spec) => [spec.name, spec]),
  );
  return {
    ...tuner.file,
    parameters: [...[...sites.values()].map(({ spectrum }) => spectrum), ...tables.values(), ...tuner.trained.values()],
    hooks: {
      linear: ({ graph }, { module, base }, x) => {
        const site = sites.get(module.path);
        if (!site) return base(x);
        const alpha = scaling / (module.inFeatures * module.outFeatures);
        const waves = graph.one('matmul', [x, parameterTensor(graph, site.right)], { layout: 'nt' });
        const weighted = graph.one('binary', [waves, twice(graph, site.spectrum)], { operator: 'mul' });
        return graph.one('matmul', [weighted, parameterTensor(graph, site.left), base(x)], { layout: 'nt', alpha });
      },
      replaces: tuner.replaces,
    },
  };
}

/** The spectrum for the cosines and again for the sines: [2n] */
function twice(graph: Graph, spec: ParameterSpec): Tensor {
  const spectrum = parameterTensor(graph, spec);
  return graph.one('concat', [spectrum, spectrum], { axis: 0 });
}

function siteOf(fields: MethodFields, { path, inFeatures, outFeatures }: ModuleInfo): Site {
  const pattern = (fields['n_frequency_pattern'] ?? {}) as Record<string, number>;
  const count = patternValue(pattern, path, fields['n_frequency'] as number);
  if (count > inFeatures * outFeatures)
    throw new UserError(
      `n_frequency: ${path} is [${outFeatures}, ${inFeatures}] and has ${inFeatures * outFeatures} waves, not ${count}. Give ${inFeatures * outFeatures} or fewer.`,
    );
  const seed = fields['random_loc_seed'] as number;
  const table = (side: 'left' | 'right', shape: readonly number[]): ParameterSpec => ({
    name: `fourierft.${outFeatures}x${inFeatures}.${count}.${side}`,
    shape,
    role: 'frozen',
    isInFile: false,
    initial: {
      kind: 'computed',
      compute: () => Promise.resolve(wavesOf(outFeatures, inFeatures, count, seed)[side]),
    },
  });
  return {
    spectrum: {
      name: parameterName(path),
      shape: [count],
      initial: fields['init_weights'] === true ? { kind: 'constant', value: 0 } : { kind: 'normal', std: 1 },
    },
    right: table('right', [2 * count, inFeatures]),
    left: table('left', [outFeatures, 2 * count]),
  };
}

/** The waves at the places of PEFT's torch.randperm, in full turns of whole numbers so that no angle grows large. */
function wavesOf(rows: number, columns: number, count: number, seed: number) {
  const places = randomPermutation(rows * columns, seed, count);
  const right = new Float32Array(2 * count * columns);
  const left = new Float32Array(rows * 2 * count);
  const turn = (steps: number, size: number) => (2 * Math.PI * (steps % size)) / size;
  places.forEach((place, m) => {
    const [p, q] = [Math.floor(place / columns), place % columns];
    for (let k = 0; k < columns; k++) {
      right[m * columns + k] = Math.cos(turn(q * k, columns));
      right[(count + m) * columns + k] = Math.sin(turn(q * k, columns));
    }
    for (let j = 0; j < rows; j++) {
      left[j * 2 * count + m] = Math.cos(turn(p * j, rows));
      left[j * 2 * count + count + m] = -Math.sin(turn(p * j, rows));
    }
  });
  return { right, left };
}
