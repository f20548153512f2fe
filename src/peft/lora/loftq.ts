import { UserError } from '../../formats/errors.ts';
import type { ModuleInfo } from '../../models/family.ts';
import { leadingSvd } from '../algebra/leadingSvd.ts';
import { matrixOf } from '../algebra/matrix.ts';
import type { CheckpointFacts, MethodFields } from '../method.ts';
import { computed, onlyOnce } from './computed.ts';
import { rootFactors } from './rootFactors.ts';
import type { Starts } from './start.ts';

/** PEFT's LoftQConfig: bits 4 or 8, and 1 pass, where they are left out. */
function settingsOf(fields: MethodFields): { readonly bits: number; readonly passes: number } {
  const { loftq_bits: bits = 4, loftq_iter: passes = 1 } = (fields['loftq_config'] ?? {}) as Record<string, number>;
  return { bits, passes };
}

/** Throws a UserError where a run starts anew and its settings, or how the weights are loaded, leave LoftQ nothing to start from. */
export function checkLoftq(fields: MethodFields, { quantisation }: Pick<CheckpointFacts, 'quantisation'>): void {
  if (quantisation === undefined) return;
  const unknown = Object.keys((fields['loftq_config'] ?? {}) as object).find(
    (key) => key !== 'loftq_bits' && key !== 'loftq_iter',
  );
  if (unknown !== undefined)
    throw new UserError(`loftq_config: ${unknown} is unknown. It has loftq_bits and loftq_iter.`);
  const { bits, passes } = settingsOf(fields);
  if (bits !== 4 && bits !== 8) throw new UserError(`loftq_bits: ${bits} does not work. Give 4 or 8.`);
  if (passes !== 1)
    throw new UserError(
      `loftq_iter: ${passes} passes would quantise W − B A in place of W, and then the file would fit no model but the one in memory. Give loftq_iter: 1.`,
    );
  if (quantisation === null)
    throw new UserError(
      `init_lora_weights: loftq starts from what quantising takes from the weights while they are loaded, and these are used as they are stored. Set load_in_4bit: true or load_in_8bit: true (on a model in F32, F16 or BF16), or init_lora_weights: true.`,
    );
  const loaded = quantisation.kind === 'int8' ? 8 : 4;
  if (loaded !== bits)
    throw new UserError(
      `loftq_bits: the weights are loaded in ${loaded} bits, not ${bits}. Give loftq_config: {"loftq_bits": ${loaded}}.`,
    );
}

/**
 * LoftQ (Li et al., arXiv 2310.08659), one pass, as PEFT's utils/loftq_utils.py has it: with W − Q ≈ U S Vᵀ of rank r,
 * A = √S Vᵀ and B = U √S, so that Q + B A is nearer to W than Q is. The scale of the update is left out there, too.
 */
export function loftqStart({ path, inFeatures, outFeatures }: ModuleInfo, rank: number): Starts {
  const factors = onlyOnce(async ({ base }) => {
    const name = `${path}.weight`;
    const original = await base(name, 'original');
    const loaded = await base(name);
    const lost = original.map((weight, i) => weight - (loaded[i] ?? 0));
    return rootFactors(leadingSvd(matrixOf(outFeatures, inFeatures, lost), rank), 1);
  });
  return {
    a: computed(async (context) => Float32Array.from((await factors(context)).a.data)),
    b: computed(async (context) => Float32Array.from((await factors(context)).b.data)),
  };
}
