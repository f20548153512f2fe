import type { MethodFit, RunFields } from '../../engine/api.ts';
import { formatShort, plural } from './format.ts';

export interface RunFacts {
  /** of the model; null while none is open */
  readonly parameters: number | null;
  /** rows to learn from; null while none are open */
  readonly rows: number | null;
  readonly isClassifier: boolean;
  /** what plain LoRA takes as a share of the GPU's memory; null where that is not known */
  readonly loraShare: number | null;
  readonly recomputes: boolean;
  /** the base model is quantised already, in its files or by the run */
  readonly isQuantised: boolean;
  readonly fits: readonly MethodFit[];
}

export interface Recommendation {
  readonly peftType: string;
  /** settings beside the method that belong to it */
  readonly fields: RunFields;
  /** one or two sentences */
  readonly reason: string;
}

/** Below this a run is a few examples, and a low-rank update can learn them by heart. */
const fewRows = 32;
/** From here on a rank of 8 on two projections is what limits the result. */
const manyRows = 5000;
const smallModel = 500e6;
/** Share of the memory from which a run is tight. */
const tight = 0.75;

/** The method to begin with, from the size of the model, the data and the memory. */
export function recommend(facts: RunFacts): Recommendation {
  const { parameters, rows, loraShare } = facts;
  const can = (peftType: string): boolean => !facts.fits.some((fit) => fit.peftType === peftType && fit.reason);
  if (parameters === null) return lora('LoRA suits most models and data, and every tool can read its files.');
  if (facts.fits.some(({ peftType, setting }) => peftType === 'LORA' && setting === 'target_modules'))
    return lora('LoRA on all linear layers: this kind of model has no usual targets, and none of them is left out.', {
      target_modules: 'all-linear',
    });
  if (!can('LORA')) return first(facts.fits);
  if (loraShare !== null && loraShare > tight) return forMemory(facts);
  if (rows !== null && rows < fewRows && can('IA3') && !facts.isClassifier) {
    const reason = `${plural(rows, 'row')} can be learned by heart. (IA)³ has so few numbers that it hardly can, and was made for a handful of examples.`;
    return { peftType: 'IA3', fields: {}, reason };
  }
  if (facts.isClassifier && parameters <= smallModel)
    return lora(
      `A classifier of ${formatShort(parameters)} parameters learns well with LoRA on its attention; its new head is trained whole beside it.`,
    );
  if (rows !== null && rows >= manyRows)
    return lora(
      `${plural(rows, 'row')} have more to teach than rank 8 on two projections holds: LoRA on all linear layers, rank 32 with the rank-stabilised scale.`,
      { r: 32, lora_alpha: 32, use_rslora: true, target_modules: 'all-linear' },
    );
  return lora(
    `LoRA with rank 8 suits ${rows === null ? 'most data' : plural(rows, 'row')} and a model of ${formatShort(parameters)} parameters, and every tool can read its files.`,
  );
}

function forMemory({ loraShare, recomputes, isQuantised }: RunFacts): Recommendation {
  const how = (loraShare ?? 0) > 1 ? 'does not fit the memory' : 'would nearly fill the memory';
  if (!recomputes)
    return lora(
      `Plain LoRA ${how}. With activations recomputed in the backward pass it takes more time and far less memory, for the same numbers.`,
      { gradient_checkpointing: true },
    );
  if (!isQuantised)
    return lora(
      `Plain LoRA ${how} although activations are recomputed. With the frozen weights in 4 bits (QLoRA) they take a quarter of 16 bits.`,
      { gradient_checkpointing: true, load_in_4bit: true, bnb_4bit_quant_type: 'nf4', bnb_4bit_use_double_quant: true },
    );
  return lora(`Plain LoRA ${how}, and the weights are as small as they get. Shorten the rows or take one at a time.`, {
    gradient_checkpointing: true,
    batch_size: 1,
  });
}

function lora(reason: string, fields: RunFields = {}): Recommendation {
  return { peftType: 'LORA', fields, reason };
}

/** Where LoRA has no place: the first method that has one. */
function first(fits: readonly MethodFit[]): Recommendation {
  const other = fits.find(({ reason }) => reason === undefined);
  return {
    peftType: other?.peftType ?? 'LORA',
    fields: {},
    reason: 'LoRA has no usual targets on this model, and this method needs none.',
  };
}
