import { UserError } from '../../formats/errors.ts';
import type { ModuleInfo } from '../../models/family.ts';
import { leadingSvd } from '../algebra/leadingSvd.ts';
import { matrixOf, product, transpose, type Matrix } from '../algebra/matrix.ts';
import { qr } from '../algebra/qr.ts';
import type { Svd } from '../algebra/svd.ts';
import { truncatedSvd } from '../algebra/truncatedSvd.ts';
import type { Initial, InitialContext } from '../method.ts';
import { randomNormals } from '../randomNumbers.ts';
import { keyPrefix } from '../savedModules.ts';
import { computed, onlyOnce } from './computed.ts';
import { loftqStart } from './loftq.ts';
import { rootFactors, type Factors } from './rootFactors.ts';
import type { FactorSpecs } from './site.ts';

/** init_lora_weights as the schema reads it. */
export type Start = string | boolean;

/** How A and B of a linear start, and what is taken out of the weight for it. */
export interface Starts {
  readonly a: Initial;
  readonly b: Initial;
  readonly taken?: FactorSpecs;
}

/** Whether the start is a part of the weight, which the weight must then lose: W − s B₀ A₀ + s B A. */
export function takesFromWeight(start: Start): boolean {
  return typeof start === 'string' && (start.startsWith('pissa') || start === 'olora');
}

/** As PEFT's tuners/lora/layer.py starts them. */
export function startOfLinear(start: Start, module: ModuleInfo, rank: number, scale: number): Starts {
  const { path, inFeatures, outFeatures } = module;
  const fresh = (width: number): Initial => ({ kind: 'uniform', bound: 1 / Math.sqrt(width) });
  const zeros: Initial = { kind: 'constant', value: 0 };
  if (start === 'gaussian') return { a: { kind: 'normal', std: 1 / rank }, b: zeros };
  if (start === 'orthogonal') return orthogonalStart(module, rank);
  if (start === 'eva') return { a: computed(() => Promise.reject(needsRows())), b: zeros };
  if (start === 'loftq') return loftqStart(module, rank);
  if (typeof start === 'boolean') return { a: fresh(inFeatures), b: start ? zeros : fresh(rank) };
  const compute = onlyOnce(async ({ base, seed }: InitialContext) => {
    const weight = matrixOf(outFeatures, inFeatures, await base(`${path}.weight`));
    return start === 'olora' ? orthonormalFactors(weight, rank) : principalFactors(start, weight, rank, scale, seed);
  });
  const frozen = (letter: 'a' | 'b', shape: readonly number[]) => ({
    name: `${keyPrefix}${path}.lora_${letter.toUpperCase()}.start`,
    shape,
    role: 'frozen' as const,
    isInFile: false,
    initial: computed(async (context) => Float32Array.from((await compute(context))[letter].data)),
  });
  const taken = { a: frozen('a', [rank, inFeatures]), b: frozen('b', [outFeatures, rank]) };
  return { a: copyOf(taken.a.name), b: copyOf(taken.b.name), taken };
}

/** EVA's numbers are there before the others are computed: see Adapter.startFromRows. */
function needsRows(): UserError {
  return new UserError(
    'init_lora_weights: eva starts from the rows of a run of the method LoRA. Give another start here, such as true.',
  );
}

function copyOf(name: string): Initial {
  return computed(async ({ parameter }) => new Float32Array(await parameter(name)));
}

/**
 * PiSSA (Meng et al., arXiv 2404.02948): W ≈ U S Vᵀ; A = √(S/s) Vᵀ, B = U √(S/s). pissa_niter_N finds the directions with N passes of a
 * randomised factorisation, as torch.svd_lowrank does.
 */
function principalFactors(start: string, weight: Matrix, rank: number, scale: number, seed: number): Factors {
  const iterations = Number(start.split('_').at(-1));
  const found: Svd = Number.isNaN(iterations)
    ? leadingSvd(weight, rank)
    : truncatedSvd(weight, rank, { iterations, seed, oversampling: 0 });
  return rootFactors(found, scale);
}

/** OLoRA (Büyükakyüz, arXiv 2406.01775): W = Q R; B = the first columns of Q, A = the first rows of R. */
function orthonormalFactors(weight: Matrix, rank: number): Factors {
  const { q, r } = qr(weight, rank);
  return { a: r, b: q };
}

/**
 * Aᵀ and B are made of the odd and of the even rows of one random orthogonal matrix, so that B A = 0 although neither is zero
 * (https://datta0.github.io/posts/rethink-lora-init).
 */
function orthogonalStart({ path, inFeatures, outFeatures }: ModuleInfo, rank: number): Starts {
  const half = rank / 2;
  /** [width, rank] */
  const spanned = (width: number, first: 0 | 1, letter: string): Initial =>
    computed(({ seed }) => {
      const name = `${keyPrefix}${path}.lora_`;
      const { q } = qr(matrixOf(rank, rank, randomNormals(rank * rank, seed, `${name}Q`)));
      const rows = matrixOf(
        half,
        rank,
        q.data.filter((_, i) => Math.floor(i / rank) % 2 === first),
      );
      const random = matrixOf(width, half, randomNormals(width * half, seed, `${name}${letter}`));
      const mixed = product(random, rows);
      return Promise.resolve(Float32Array.from((letter === 'A' ? transpose(mixed) : mixed).data, (x) => x / 10));
    });
  return { a: spanned(inFeatures, 0, 'A'), b: spanned(outFeatures, 1, 'B') };
}
