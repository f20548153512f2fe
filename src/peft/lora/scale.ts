import type { MethodFields } from '../method.ts';
import { patternValue } from '../targets.ts';

type Pattern = Readonly<Record<string, number>>;

/** r, or what rank_pattern says for this module. */
export function rankOf(fields: MethodFields, path: string): number {
  return patternValue((fields['rank_pattern'] ?? {}) as Pattern, path, fields['r'] as number);
}

/** alpha / r, or alpha / √r with use_rslora; alpha_pattern may give the module an alpha of its own. */
export function scaleOf(fields: MethodFields, path: string, r: number): number {
  const alpha = patternValue((fields['alpha_pattern'] ?? {}) as Pattern, path, fields['lora_alpha'] as number);
  return fields['use_rslora'] === true ? alpha / Math.sqrt(r) : alpha / r;
}
