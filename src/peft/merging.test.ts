import { describe, it } from 'vitest';
import { checkMerge } from '../../tests/peft/merging.ts';

/** Settings under which each method merges, with targets that have a bias and targets that have none. */
const settings: readonly Readonly<Record<string, unknown>>[] = [
  { peft_type: 'ADALORA', init_r: 3, target_r: 2, total_step: 9, lora_alpha: 4 },
  { peft_type: 'LOHA', r: 2, alpha: 3 },
  { peft_type: 'LOKR', r: 1, decompose_both: true, alpha_pattern: { q_proj: 3 } },
  { peft_type: 'LOKR', r: 4 },
  { peft_type: 'OFT', oft_block_size: 4 },
  { peft_type: 'OFT', oft_block_size: 2, block_share: true, use_cayley_neumann: false },
  { peft_type: 'OFT', oft_block_size: 4, coft: true, eps: 0.05 },
  { peft_type: 'BOFT', boft_block_size: 4 },
  { peft_type: 'BOFT', boft_block_size: 2, boft_n_butterfly_factor: 3, target_modules: ['q_proj', 'k_proj'] },
  { peft_type: 'HRA', r: 3 },
  { peft_type: 'HRA', r: 3, apply_GS: true, init_weights: false },
  { peft_type: 'FOURIERFT', n_frequency: 5, scaling: 40, random_loc_seed: 4 },
  { peft_type: 'ROAD', group_size: 4 },
  { peft_type: 'ROAD', group_size: 2, variant: 'road_2' },
  { peft_type: 'ROAD', group_size: 4, variant: 'road_4' },
];

describe('a merged weight does what the adapter does', () => {
  it.each(settings)('%o', (fields) => checkMerge({ target_modules: ['q_proj', 'k_proj', 'down_proj'], ...fields }));
});
