import type { RunFields } from '../../engine/api.ts';

/** The form as it stands, in the run file's spelling, with defaults filled in; and what is known of the run. */
export interface AdviceFacts {
  readonly fields: RunFields;
  /** optimizer steps of the run; null while no rows are open */
  readonly steps: number | null;
  /** names of the model's linears that are not in its attention; empty while none is open */
  readonly feedForward: readonly string[];
}

/** Something that was measured and applies to the form as it stands. */
export interface Advice {
  readonly id: string;
  readonly text: string;
  readonly source: { readonly name: string; readonly url: string };
  /** settings that follow it; none where it only warns */
  readonly apply?: RunFields;
}

interface Rule extends Omit<Advice, 'apply'> {
  applies(facts: AdviceFacts): boolean;
  apply?(facts: AdviceFacts): RunFields;
}

/** Llama-3.2-3B trained on MetaMathQA, accuracy on GSM8K. */
const peftBenchmark = {
  name: 'PEFT method comparison, Llama-3.2-3B on GSM8K',
  url: 'https://github.com/huggingface/peft/tree/main/method_comparison',
};
const arxiv = (name: string, id: string) => ({ name, url: `https://arxiv.org/abs/${id}` });

const is = ({ fields }: AdviceFacts, ...types: readonly string[]): boolean =>
  types.includes(String(fields['peft_type']));
const numberOf = ({ fields }: AdviceFacts, name: string): number => Number(fields[name] ?? NaN);
const rateBelow = (facts: AdviceFacts, rate: number): boolean => numberOf(facts, 'learning_rate') < rate;
const raisesRate = (rate: number) => (): RunFields => ({ learning_rate: rate });

/** Small learning rates leave the small methods where they began. */
const rates: readonly Rule[] = [
  {
    id: 'ia3-rate',
    text: '(IA)³ needs a learning rate of 1e-3 to 5e-3: it scored 31.1 % at 1e-4, 39.8 % at 1e-3, and 45.5 % at 5e-3 on all of the attention.',
    source: peftBenchmark,
    applies: (facts) => is(facts, 'IA3') && rateBelow(facts, 1e-3),
    apply: raisesRate(3e-3),
  },
  {
    id: 'prompt-rate',
    text: 'Prompts need a learning rate of 1e-3 to 5e-3: prompt tuning scored 5.7 % at 1e-4 and 23.4 % at 1e-3.',
    source: peftBenchmark,
    applies: (facts) => is(facts, 'PROMPT_TUNING', 'P_TUNING') && rateBelow(facts, 1e-3),
    apply: raisesRate(3e-3),
  },
  {
    id: 'prefix-rate',
    text: 'A prefix needs a high learning rate: it scored 18.6 % at 1e-3 and 41.6 % at 5e-3 from a better start.',
    source: peftBenchmark,
    applies: (facts) => is(facts, 'PREFIX_TUNING', 'P_TUNING_V2') && rateBelow(facts, 1e-3),
    apply: raisesRate(3e-3),
  },
  {
    id: 'lokr-rate',
    text: 'LoKr scored 46.6 % with a quarter of LoRA’s numbers, and did so at a learning rate of 3e-3.',
    source: peftBenchmark,
    applies: (facts) => is(facts, 'LOKR') && rateBelow(facts, 1e-3),
    apply: raisesRate(3e-3),
  },
  {
    id: 'full-rate',
    text: 'Full fine-tuning was measured at a learning rate of 1e-5, where it scored 47.2 %: every weight moves, so each step is small.',
    source: peftBenchmark,
    applies: (facts) => is(facts, 'FULL', 'LISA') && numberOf(facts, 'learning_rate') > 1e-4,
    apply: raisesRate(2e-5),
  },
];

const ranks: readonly Rule[] = [
  {
    id: 'rslora',
    text: 'At high ranks the rank-stabilised scale helps more than the rank: rank 64 scored 51.3 % with it and 47.4 % without, rank 32 47.8 %.',
    source: peftBenchmark,
    applies: (facts) => is(facts, 'LORA') && numberOf(facts, 'r') >= 32 && facts.fields['use_rslora'] !== true,
    apply: () => ({ use_rslora: true }),
  },
  {
    id: 'mlp-targets',
    text: 'The MLP layers are worth more than a higher rank: rank 10 on the MLP alone scored 49.4 %, rank 32 on q and v 47.8 %, with as many numbers.',
    source: peftBenchmark,
    applies: (facts) => is(facts, 'LORA') && numberOf(facts, 'r') >= 16 && !targetsFeedForward(facts),
    apply: () => ({ target_modules: 'all-linear' }),
  },
  {
    id: 'dora-rank',
    text: 'DoRA at half the rank is about as good: over LoRA it gained 4.2 points in place of 4.4 on LLaMA3-8B. Its authors also take a slightly lower learning rate.',
    source: arxiv('DoRA, Liu et al.', '2402.09353'),
    applies: (facts) => is(facts, 'LORA') && facts.fields['use_dora'] === true && numberOf(facts, 'r') >= 16,
    apply: (facts) => ({ r: Math.round(numberOf(facts, 'r') / 2) }),
  },
  {
    id: 'adalora-tail',
    text: 'AdaLoRA cuts ranks to the last step unless some are kept for training what is left; its authors keep the final part of the run for that.',
    source: arxiv('AdaLoRA, Zhang et al.', '2303.10512'),
    applies: (facts) => is(facts, 'ADALORA') && numberOf(facts, 'tfinal') === 0 && (facts.steps ?? 0) >= 10,
    apply: (facts) => ({ tinit: Math.floor((facts.steps ?? 0) / 10), tfinal: Math.floor((facts.steps ?? 0) / 5) }),
  },
];

const starts: readonly Rule[] = [
  {
    id: 'prompt-start',
    text: 'Prompts that start from embeddings of the vocabulary learn better: 34.3 % against 23.4 % from random numbers.',
    source: peftBenchmark,
    applies: (facts) => is(facts, 'PROMPT_TUNING') && facts.fields['prompt_tuning_init'] === 'RANDOM',
    apply: () => ({ prompt_tuning_init: 'SAMPLE_VOCAB' }),
  },
  {
    id: 'prefix-zero',
    text: 'A prefix of zeros is not nothing: zero keys take their share of every attention, so the model changes before its first step.',
    source: { name: 'PEFT, prefix tuning', url: 'https://huggingface.co/docs/peft/package_reference/prefix_tuning' },
    applies: (facts) => is(facts, 'PREFIX_TUNING', 'P_TUNING_V2') && facts.fields['init_weights'] === 'zero',
  },
  {
    id: 'merge-4bit',
    text: 'Merging an adapter into 4-bit weights loses part of what it learned. Keep it beside the model, or merge it into the weights as they were.',
    source: { name: 'PEFT issue 2321', url: 'https://github.com/huggingface/peft/issues/2321' },
    applies: ({ fields }) => fields['load_in_4bit'] === true,
  },
];

const rules: readonly Rule[] = [...rates, ...ranks, ...starts];

/** What has been measured that bears on the form as it stands. */
export function adviceFor(facts: AdviceFacts): readonly Advice[] {
  return rules
    .filter((rule) => rule.applies(facts))
    .map(({ id, text, source, apply }) => ({ id, text, source, ...(apply && { apply: apply(facts) }) }));
}

function targetsFeedForward({ fields, feedForward }: AdviceFacts): boolean {
  const targets = fields['target_modules'];
  if (typeof targets === 'string')
    return targets === 'all-linear' || feedForward.some((name) => targets.includes(name));
  return Array.isArray(targets) && targets.some((name) => feedForward.includes(String(name)));
}
