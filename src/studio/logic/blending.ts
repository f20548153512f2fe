import type { AdapterSummary, BlendOptions, CombinationDescription } from '../../engine/api.ts';

/** What the form of a blend holds; numbers that are null are left to the engine. */
export interface BlendForm {
  readonly density: number;
  readonly majoritySignMethod: 'total' | 'frequency';
  readonly svdRank: number | null;
  readonly seed: number;
  readonly name: string;
}

export const usualBlend: BlendForm = { density: 0.5, majoritySignMethod: 'total', svdRank: null, seed: 42, name: '' };

/** LoRA adapters that can be blended with each other: those of one base model, where there are two or more. */
export function blendable(
  adapters: readonly AdapterSummary[],
): readonly { readonly base: string; readonly adapters: readonly AdapterSummary[] }[] {
  const lora = adapters.filter(({ peftType }) => peftType === 'LORA');
  return [...new Set(lora.map(({ baseModel }) => baseModel))]
    .map((base) => ({ base, adapters: lora.filter(({ baseModel }) => baseModel === base) }))
    .filter(({ adapters: own }) => own.length > 1);
}

/** The options that the combination asks for, and no others. */
export function blendOptions(combination: CombinationDescription, form: BlendForm): BlendOptions {
  return {
    combination: combination.name,
    ...(combination.needsDensity && { density: form.density }),
    ...(combination.electsSign && { majoritySignMethod: form.majoritySignMethod }),
    ...(combination.rank === 'chosen' && form.svdRank !== null && { svdRank: form.svdRank }),
    ...(combination.isRandom && { seed: form.seed }),
    ...(form.name.trim() !== '' && { name: form.name.trim() }),
  };
}
