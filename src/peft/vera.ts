import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { HookTrace, LinearSite } from '../models/hooks.ts';
import type { ModuleInfo } from '../models/family.ts';
import { plusProduct } from './lora/weights.ts';
import type {
  Adapter,
  CheckpointFacts,
  Initial,
  MergeTarget,
  Method,
  MethodFields,
  ParameterSpec,
  ParameterValues,
} from './method.ts';
import { parameterTensor } from './parameters.ts';
import { keyPrefix } from './savedModules.ts';
import { booleanField, integerField, numberField } from './schema.ts';
import { inputDropoutField, mostRank } from './sharedFields.ts';
import { attachTuner, biasField, targetFields } from './tuner.ts';
import { torchGenerator, torchUniform } from './torchRandom.ts';

/**
 * VeRA (Kopiczko et al., arXiv 2310.11454), as PEFT 0.21's tuners/vera defines it: y = W x + b + λ_b ∘ (B (λ_d ∘ (A dropout(x)))). A [r, in]
 * and B [out, r] are random, frozen and shared: each layer takes the first columns of one A and the first rows of one B. Only the vectors
 * λ_d [r] and λ_b [out] are trained.
 */
export const vera: Method = {
  peftType: 'VERA',
  name: 'VeRA',
  summary:
    'Trains two vectors a layer around random matrices that all layers share: a tenth of the parameters of LoRA. Choose it where an adapter must be very small; it wants a learning rate ten times higher and takes more time a step.',
  group: 'lora',
  learningRate: 4e-3,
  fields: [
    integerField({
      name: 'r',
      label: 'Rank',
      help: 'Width of the shared random matrices; it costs time and no parameters worth speaking of, so it is far higher than that of LoRA.',
      default: 256,
      minimum: 1,
      maximum: mostRank,
    }),
    inputDropoutField('vera_dropout'),
    numberField({
      name: 'd_initial',
      label: 'Start of λ_d',
      help: 'Small values, of 0.1 or less, work best.',
      default: 0.1,
      minimum: 0,
      advanced: true,
    }),
    integerField({
      name: 'projection_prng_key',
      label: 'Key of the matrices',
      help: 'Seed of the shared random matrices; the same key gives the same matrices as in PEFT.',
      default: 0,
      minimum: 0,
      maximum: 2 ** 32 - 1,
      advanced: true,
    }),
    booleanField({
      name: 'save_projection',
      label: 'Keep the matrices in the file',
      help: 'Makes the file larger and safe to load everywhere; without them they are made anew from their key.',
      default: true,
      advanced: true,
    }),
    booleanField({
      name: 'init_weights',
      label: 'Start without effect',
      help: 'Starts λ_b at zero, so that training begins with the model as it is; else λ_b at one and λ_d at random.',
      default: true,
      advanced: true,
    }),
    ...targetFields.filter(({ name }) => name !== 'exclude_modules'),
    biasField('vera_only'),
  ],
  attach,
  merge: mergeTensor,
};

const names = { a: 'base_model.vera_A', b: 'base_model.vera_B' } as const;

interface Shared {
  /** [r, the widest input] */
  readonly a: ParameterSpec;
  /** [the widest output, r] */
  readonly b: ParameterSpec;
}

interface Site {
  readonly d: ParameterSpec;
  readonly b: ParameterSpec;
  /** keys this module's dropout masks */
  readonly index: number;
}

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const { modules, trained, replaces, file } = attachTuner('VERA', fields, model);
  const shared = sharedMatrices(fields, modules);
  const sites = new Map(modules.map((module, index) => [module.path, siteOf(fields, module, index)]));
  const probability = fields['vera_dropout'] as number;
  return {
    ...file,
    parameters: [...Object.values(shared), ...[...sites.values()].flatMap(({ d, b }) => [d, b]), ...trained.values()],
    hooks: {
      linear: (trace, site, x) => {
        const own = sites.get(site.module.path);
        return own ? aroundLinear(trace, shared, own, site, x, probability) : site.base(x);
      },
      replaces,
    },
  };
}

/** Kaiming uniform with gain √2, A and then B from one generator. */
function sharedMatrices(fields: MethodFields, modules: readonly ModuleInfo[]): Shared {
  const rank = fields['r'] as number;
  const widestInput = Math.max(...modules.map(({ inFeatures }) => inFeatures));
  const widestOutput = Math.max(...modules.map(({ outFeatures }) => outFeatures));
  const bound = (fanIn: number) => Math.sqrt(3) * (Math.SQRT2 / Math.sqrt(fanIn));
  const draw = (): { a: Float32Array<ArrayBuffer>; b: Float32Array<ArrayBuffer> } => {
    const next = torchGenerator(fields['projection_prng_key'] as number);
    const a = torchUniform(next, rank * widestInput, bound(widestInput));
    return { a, b: torchUniform(next, widestOutput * rank, bound(rank)) };
  };
  const spec = (letter: 'a' | 'b', shape: readonly number[]): ParameterSpec => ({
    name: names[letter],
    shape,
    role: 'frozen',
    isInFile: fields['save_projection'] === true,
    initial: { kind: 'computed', compute: () => Promise.resolve(draw()[letter]) },
  });
  return { a: spec('a', [rank, widestInput]), b: spec('b', [widestOutput, rank]) };
}

function siteOf(fields: MethodFields, { path, outFeatures }: ModuleInfo, index: number): Site {
  const key = `${keyPrefix}${path}.vera_lambda_`;
  const starts = fields['init_weights'] === true;
  const ofD: Initial = starts ? { kind: 'constant', value: fields['d_initial'] as number } : { kind: 'normal', std: 1 };
  return {
    d: { name: `${key}d`, shape: [fields['r'] as number], initial: ofD },
    b: { name: `${key}b`, shape: [outFeatures], initial: { kind: 'constant', value: starts ? 0 : 1 } },
    index,
  };
}

function aroundLinear(
  { graph, isTraining }: HookTrace,
  shared: Shared,
  site: Site,
  { module, base }: LinearSite,
  x: Tensor,
  probability: number,
): Tensor {
  const { a, b } = matricesFor(graph, shared, module);
  const drops = isTraining && probability > 0;
  const dropped = drops ? graph.one('dropout', [x], { probability, site: site.index }) : x;
  const scaled = (value: Tensor, spec: ParameterSpec) =>
    graph.one('binary', [value, parameterTensor(graph, spec)], { operator: 'mul' });
  const reduced = scaled(graph.one('matmul', [dropped, a], { layout: 'nt' }), site.d);
  const update = scaled(graph.one('matmul', [reduced, b], { layout: 'nt' }), site.b);
  return graph.one('binary', [update, base(x)], { operator: 'add' });
}

/** The first columns of A and the first rows of B. */
function matricesFor(
  graph: Graph,
  shared: Shared,
  { inFeatures, outFeatures }: ModuleInfo,
): { readonly a: Tensor; readonly b: Tensor } {
  const [a, b] = [parameterTensor(graph, shared.a), parameterTensor(graph, shared.b)];
  const [rank = 1, widestInput] = a.shape;
  return {
    a: inFeatures === widestInput ? a : graph.one('slice', [a], { axis: 1, start: 0, size: inFeatures }),
    b: graph.view(b, [outFeatures, rank]),
  };
}

/** W + diag(λ_b) B diag(λ_d) A */
function mergeTensor(_: Adapter, parameters: ParameterValues, target: MergeTarget): Float32Array | undefined {
  const key = `${keyPrefix}${target.modulePath}.vera_lambda_`;
  const [a, b, ofD, ofB] = [names.a, names.b, `${key}d`, `${key}b`].map((name) => parameters.get(name));
  if (!a || !b || !ofD || !ofB || target.name.endsWith('.bias')) return undefined;
  const [out = 0, columns = 0] = target.shape;
  const rank = ofD.length;
  const widestInput = a.length / rank;
  const left = b.slice(0, out * rank).map((x, i) => x * (ofB[Math.floor(i / rank)] ?? 0) * (ofD[i % rank] ?? 0));
  const right = Float32Array.from(
    { length: rank * columns },
    (_, i) => a[Math.floor(i / columns) * widestInput + (i % columns)] ?? 0,
  );
  return plusProduct(target.data, left, right, 1, columns);
}
