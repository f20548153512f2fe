import { UserError } from '../../formats/errors.ts';
import { lora } from '../lora.ts';
import type { AdapterContent } from '../method.ts';
import { readFields, savedFields } from '../schema.ts';
import { leadingSvd, svdOfShare, type Kept } from './leadingSvd.ts';
import { factorsOf, writeLora, type LoraModule, type OnModule } from './loraContent.ts';
import { dot, matrixOf } from './matrix.ts';

/** A linear layer that an adapter changes. */
export interface UpdatedModule {
  readonly path: string;
  readonly outFeatures: number;
  readonly inFeatures: number;
  /** ΔW, [outFeatures, inFeatures] */
  readUpdate(): Promise<Float32Array>;
}

export interface Conversion {
  readonly content: AdapterContent;
  /** share of ‖ΔW‖² that the factors hold, of all modules together and by module path; 1 where ΔW is zero */
  readonly energy: { readonly overall: number; readonly modules: ReadonlyMap<string, number> };
}

/**
 * A LoRA adapter whose B A is the best approximation of each update at its rank, with the scale in the factors, as PEFT 0.21's
 * convert_to_lora makes it (tuners/lora/conversion.py): A = Vᵀ and B = U · diag(values) of the leading part of ΔW = U · diag(values) · Vᵀ.
 * One update is in memory at a time.
 *
 * @param config fields of adapter_config.json that a LoRA's defaults do not say, such as base_model_name_or_path
 * @throws UserError where a module is smaller than the rank
 */
export async function updatesToLora(
  modules: readonly UpdatedModule[],
  kept: Kept,
  config: Readonly<Record<string, unknown>>,
  onModule?: OnModule,
): Promise<Conversion> {
  const converted: LoraModule[] = [];
  const energies = new Map<string, number>();
  const sums = { kept: 0, whole: 0 };
  for (const module of modules) {
    await onModule?.(converted.length, modules.length);
    const { factors, keptEnergy, energy } = approximate(module, await module.readUpdate(), kept);
    converted.push({ path: module.path, kind: 'linear', ...factors });
    energies.set(module.path, shareOf(keptEnergy, energy));
    sums.kept += keptEnergy;
    sums.whole += energy;
  }
  const rank = Math.max(...converted.map(({ a }) => a.shape[0] ?? 0));
  const defaults = savedFields(lora.fields, readFields(lora.fields, {}));
  const fields = { ...defaults, ...config, target_modules: modules.map(({ path }) => path) };
  return {
    content: writeLora(fields, rank, converted),
    energy: { overall: shareOf(sums.kept, sums.whole), modules: energies },
  };
}

function approximate({ path, outFeatures, inFeatures }: UpdatedModule, update: Float32Array, kept: Kept) {
  const most = Math.min(outFeatures, inFeatures);
  if ('rank' in kept && kept.rank > most)
    throw new UserError(
      `rank: ${kept.rank} is more than ${path} has, which is ${outFeatures} × ${inFeatures}. Choose ${most} or less.`,
    );
  const matrix = matrixOf(outFeatures, inFeatures, update);
  const found = 'rank' in kept ? leadingSvd(matrix, kept.rank) : svdOfShare(matrix, kept.share);
  return {
    factors: factorsOf(found),
    keptEnergy: dot(found.values, found.values),
    energy: dot(matrix.data, matrix.data),
  };
}

function shareOf(kept: number, whole: number): number {
  return whole === 0 ? 1 : Math.min(1, kept / whole);
}
