import { UserError } from '../../formats/errors.ts';
import type { ModuleInfo } from '../../models/family.ts';

/** Which ranks of each matrix are kept, by PEFT's name of its lora_E; a config has it once ranks were cut. */
export type RankPattern = Readonly<Record<string, readonly boolean[]>>;

export function patternKey(path: string): string {
  return `${path}.lora_E`;
}

/** Throws a UserError where a target is missing or its list has another length than init_r. */
export function checkPattern(pattern: RankPattern, modules: readonly ModuleInfo[], initialRank: number): void {
  for (const { path } of modules) {
    const length = pattern[patternKey(path)]?.length ?? 0;
    if (length !== initialRank)
      throw new UserError(
        `rank_pattern says of ${patternKey(path)} which of ${length} ranks are kept, and init_r is ${initialRank}. Use the config as it was saved.`,
      );
  }
}

/** The rows of [ranks, columns] that are kept. */
export function keptRows(data: Float32Array, kept: readonly boolean[]): Float32Array {
  const columns = data.length / Math.max(1, kept.length);
  return data.filter((_, i) => kept[Math.floor(i / columns)]);
}

/** The columns of [rows, ranks] that are kept. */
export function keptColumns(data: Float32Array, kept: readonly boolean[]): Float32Array {
  return data.filter((_, i) => kept[i % kept.length]);
}
