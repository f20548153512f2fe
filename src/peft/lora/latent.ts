import { UserError } from '../../formats/errors.ts';
import type { FloatTensor } from '../../formats/floatTensors.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { HookTrace, LinearSite } from '../../models/hooks.ts';
import type { ModuleInfo } from '../../models/family.ts';
import { matrixOf, product, transpose } from '../algebra/matrix.ts';
import { truncatedSvd } from '../algebra/truncatedSvd.ts';
import { tensorsForFile, valuesFromFile } from '../initialize.ts';
import type {
  Adapter,
  AdapterContent,
  CheckpointFacts,
  Initial,
  InitialContext,
  MergeTarget,
  MethodFields,
  ParameterSpec,
  ParameterValues,
} from '../method.ts';
import { parameterTensor } from '../parameters.ts';
import { keyPrefix } from '../savedModules.ts';
import { savedFields, type FieldSchema } from '../schema.ts';
import { attachTuner } from '../tuner.ts';
import { doraLinear, magnitudeSpecs } from './dora.ts';
import { mergeLora } from './merge.ts';
import { withRates } from './rates.ts';
import { rankOf, scaleOf } from './scale.ts';
import type { LowRankUpdate, MagnitudeSpecs } from './site.ts';

/**
 * LoRA-XS (Bałazy et al., arXiv 2405.17604) and EDoRA (Nasiri and Garraghan, arXiv 2501.12067): y = W x + b + s B R A x, where A = S Vᵀ
 * [r, in] and B = U [out, r] are the leading singular directions of W = U S Vᵀ and stay as they are. R [r, r] alone is trained, and in
 * EDoRA a magnitude for each output as in DoRA. As EDoRA's code has it: the directions are those of scikit-learn's TruncatedSVD of Wᵀ
 * with ten iterations, and R starts at N(0, 10⁻⁵).
 */
interface LatentSite {
  readonly module: ModuleInfo;
  readonly a: ParameterSpec;
  readonly b: ParameterSpec;
  /** R */
  readonly inner: ParameterSpec;
  readonly scale: number;
  /** keys this module's dropout masks */
  readonly index: number;
  readonly dora?: MagnitudeSpecs;
}

/** Lies beside the adapter: R, and B before R is multiplied into it. */
export const latentFile = 'graft_state.safetensors';

const standardDeviation = 1e-5;

/** @param usesMagnitude EDoRA */
export function attachLatent(
  peftType: string,
  schemas: readonly FieldSchema[],
  usesMagnitude: boolean,
  fields: MethodFields,
  model: CheckpointFacts,
): Adapter {
  const { modules, trained, replaces, file } = attachTuner(peftType, savedFields(schemas, fields), model);
  const sites = new Map(modules.map((module, index) => [module.path, siteOf(fields, module, index, usesMagnitude)]));
  const own = [...sites.values()].flatMap(({ a, b, inner, dora }) => [
    a,
    b,
    inner,
    ...(dora ? Object.values(dora) : []),
  ]);
  const adapter: Adapter = {
    ...file,
    config: { ...file.config, peft_type: 'LORA', init_lora_weights: true, use_dora: usesMagnitude, bias: 'none' },
    parameters: withRates(fields, [...own, ...trained.values()]),
    hooks: {
      linear: (trace, site, x) => {
        const target = sites.get(site.module.path);
        return target ? aroundLinear(trace, target, site, x, fields['lora_dropout'] as number) : site.base(x);
      },
      replaces,
    },
  };
  return {
    ...adapter,
    toContent: async (values) => contentOf(adapter, sites.values(), values),
    fromContent: (content) => valuesOf(adapter, content),
  };
}

function siteOf(fields: MethodFields, module: ModuleInfo, index: number, usesMagnitude: boolean): LatentSite {
  const { path, inFeatures, outFeatures } = module;
  const rank = rankOf(fields, path);
  const most = Math.min(inFeatures, outFeatures);
  if (rank > most)
    throw new UserError(
      `r: ${rank} is more directions than the weight of ${path} has, which is [${outFeatures}, ${inFeatures}]. Give ${most} or less, for this module alone by rank_pattern.`,
    );
  const scale = scaleOf(fields, path, rank);
  const key = `${keyPrefix}${path}.lora_`;
  const ofWeight = leadingDirections(module, rank);
  const frozen = (letter: 'a' | 'b', shape: readonly number[]): ParameterSpec => ({
    name: `${key}${letter.toUpperCase()}.weight`,
    shape,
    role: 'frozen',
    initial: { kind: 'computed', compute: async (context) => (await ofWeight(context))[letter] },
  });
  const start: Initial = { kind: 'normal', std: standardDeviation };
  return {
    module,
    a: frozen('a', [rank, inFeatures]),
    b: frozen('b', [outFeatures, rank]),
    inner: { name: `${key}R.weight`, shape: [rank, rank], initial: start },
    scale,
    index,
    dora: usesMagnitude ? magnitudeSpecs(module, scale, {}) : undefined,
  };
}

interface Factors {
  readonly a: Float32Array<ArrayBuffer>;
  readonly b: Float32Array<ArrayBuffer>;
}

/** A = S Vᵀ and B = U, worked out once. */
function leadingDirections(
  { path, inFeatures, outFeatures }: ModuleInfo,
  rank: number,
): (context: InitialContext) => Promise<Factors> {
  let result: Promise<Factors> | undefined;
  const compute = async ({ base, seed }: InitialContext): Promise<Factors> => {
    const weight = matrixOf(outFeatures, inFeatures, await base(`${path}.weight`));
    const { u, values, vt } = truncatedSvd(transpose(weight), rank, { iterations: 10, seed });
    const a = Float32Array.from(transpose(u).data, (x, i) => x * (values[Math.floor(i / inFeatures)] ?? 0));
    return { a, b: Float32Array.from(transpose(vt).data) };
  };
  return (context) => (result ??= compute(context));
}

function aroundLinear(
  { graph, isTraining }: HookTrace,
  site: LatentSite,
  linear: LinearSite,
  x: Tensor,
  probability: number,
): Tensor {
  const drops = isTraining && probability > 0;
  const dropped = drops ? graph.one('dropout', [x], { probability, site: site.index }) : x;
  const update = updateOf(graph, site);
  return site.dora ? doraLinear(graph, update, site.dora, linear, x, dropped) : update.plus(dropped, linear.base(x));
}

function updateOf(graph: Graph, { a, b, inner, scale }: LatentSite): LowRankUpdate {
  const [ofA, ofB, ofR] = [a, b, inner].map((spec) => parameterTensor(graph, spec)) as [Tensor, Tensor, Tensor];
  return {
    scale,
    factors: () => ({ a: ofA, b: graph.one('matmul', [ofB, graph.detach(ofR)], { layout: 'nn' }) }),
    plus(x, addend) {
      const reduced = graph.one('matmul', [x, ofA], { layout: 'nt' });
      const turned = graph.one('matmul', [reduced, ofR], { layout: 'nt' });
      return graph.one('matmul', [turned, ofB, addend], { layout: 'nt', alpha: scale });
    },
  };
}

/** A plain LoRA or DoRA of A and B R, which PEFT loads, and beside it what it takes to go on. */
function contentOf(adapter: Adapter, sites: Iterable<LatentSite>, values: ParameterValues): AdapterContent {
  const tensors = tensorsForFile(adapter, values);
  const state = new Map<string, FloatTensor>();
  for (const { b, inner } of sites) {
    const [ofB, ofR] = [tensors.get(b.name), tensors.get(inner.name)];
    if (!ofB || !ofR) throw new Error(`there are no numbers for ${b.name}`);
    tensors.delete(inner.name);
    tensors.set(b.name, { shape: ofB.shape, data: multiplied(ofB.data, ofR.data, b.shape[1] ?? 1) });
    state.set(b.name, ofB).set(inner.name, ofR);
  }
  return { config: adapter.config, tensors, beside: new Map([[latentFile, state]]) };
}

/** B R: [out, r] · [r, r] */
function multiplied(b: Float32Array, inner: Float32Array, rank: number): Float32Array<ArrayBuffer> {
  const { data } = product(matrixOf(b.length / rank, rank, b), matrixOf(rank, rank, inner));
  return Float32Array.from(data);
}

function valuesOf(adapter: Adapter, { tensors, beside }: AdapterContent): Map<string, Float32Array<ArrayBuffer>> {
  const state = beside?.get(latentFile);
  if (!state)
    throw new UserError(
      `The folder has no ${latentFile}, without which B and R cannot be told apart. Put it back beside the adapter, or go on with peft_type: LORA.`,
    );
  return valuesFromFile(adapter, new Map([...tensors, ...state]));
}

/** As that of the LoRA or DoRA that the file holds. */
export function mergeLatent(
  adapter: Adapter,
  parameters: ParameterValues,
  target: MergeTarget,
): Float32Array | undefined {
  const key = `${keyPrefix}${target.modulePath}.lora_`;
  const [b, inner] = [parameters.get(`${key}B.weight`), parameters.get(`${key}R.weight`)];
  if (!b || !inner) return undefined;
  const rank = Math.sqrt(inner.length);
  return mergeLora(adapter, new Map(parameters).set(`${key}B.weight`, multiplied(b, inner, rank)), target);
}
