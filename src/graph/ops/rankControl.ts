/**
 * What AdaLoRA's allocator does at a step, u32 [4], read by its three ops: 1 where the scores are brought up to date, 1 where ranks are
 * chosen anew, 1 where the numbers of ranks that are cut are set to 0, and how many of the lowest scores are cut.
 */
export interface RankControl {
  readonly scores: boolean;
  readonly chooses: boolean;
  readonly masks: boolean;
  readonly cut: number;
}

export function controlWords({ scores, chooses, masks, cut }: RankControl): Uint32Array {
  return Uint32Array.of(scores ? 1 : 0, chooses ? 1 : 0, masks ? 1 : 0, cut);
}
