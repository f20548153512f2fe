import { UserError } from '../../formats/errors.ts';
import type { Adapter, CheckpointFacts, Initial, InitialContext, Method, MethodFields } from '../method.ts';
import { randomUniforms } from '../randomNumbers.ts';
import { choiceField, textField } from '../schema.ts';
import { asPrompt, promptAdapter, promptFields, promptRows, tokenCount, trainedAsTheyAre } from './promptAdapter.ts';

/** Prompt tuning (Lester et al., arXiv 2104.08691), as PEFT 0.21's tuners/prompt_tuning has it: trained embeddings in front of the input. */
export const promptTuning: Method = {
  peftType: 'PROMPT_TUNING',
  name: 'Prompt tuning',
  summary:
    'Learns a few input embeddings that stand in front of every row, and nothing else: the smallest file there is. Choose it for large models and simple tasks; it needs a high learning rate, 1e-3 to 5e-3.',
  group: 'prompts',
  learningRate: 3e-3,
  whyNoMerge: 'Virtual tokens are a part of the input, not of the weights: use the adapter beside the model.',
  fields: [
    ...promptFields,
    choiceField({
      name: 'prompt_tuning_init',
      label: 'Start of the prompt',
      help: 'Random numbers; embeddings of random tokens, which PEFT’s benchmark found far better; or those of a text.',
      default: 'RANDOM',
      choices: ['RANDOM', 'SAMPLE_VOCAB', 'TEXT'],
    }),
    textField({
      name: 'prompt_tuning_init_text',
      label: 'Text to start from',
      help: 'For TEXT: what the task is, in words; cut or repeated to the number of virtual tokens.',
    }),
    textField({
      name: 'tokenizer_name_or_path',
      label: 'Tokenizer’s name',
      help: 'For TEXT: what adapter_config.json calls the tokenizer; the text is encoded with the model’s own.',
      advanced: true,
    }),
  ],
  attach,
};

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const tokens = tokenCount(fields, model);
  const start = fields['prompt_tuning_init'] as string;
  const text = fields['prompt_tuning_init_text'] as string;
  if (start === 'TEXT' && text === '')
    throw new UserError(
      'prompt_tuning_init_text: there is no text to start from. Write one, or set prompt_tuning_init to SAMPLE_VOCAB.',
    );
  const rows = promptRows(fields, model);
  const virtual = trainedAsTheyAre(rows, model.description.hiddenSize, initialOf(start, text, rows, model));
  const tokenizer = (fields['tokenizer_name_or_path'] as string) || model.baseModelName;
  const config = {
    prompt_tuning_init_text: text || null,
    tokenizer_name_or_path: start === 'TEXT' ? tokenizer : null,
  };
  return promptAdapter('PROMPT_TUNING', fields, model, { virtual, hooks: asPrompt(tokens, virtual), config });
}

function initialOf(start: string, text: string, tokens: number, { description }: CheckpointFacts): Initial {
  if (start === 'RANDOM') return { kind: 'normal', std: 1 };
  const table = `${description.embeddingPath}.weight`;
  const ids = ({ seed, tokenize }: InitialContext) =>
    start === 'TEXT' ? filled(tokenize(text), tokens) : sampled(tokens, description.vocabSize, seed);
  return { kind: 'computed', compute: (context) => context.baseRows(table, ids(context)) };
}

/** Cut, or repeated until there are as many as are wanted. */
function filled(ids: readonly number[], count: number): number[] {
  if (ids.length === 0)
    throw new UserError('prompt_tuning_init_text: the text has no tokens. Write one with words in it.');
  return Array.from({ length: count }, (_, i) => ids[i % ids.length] ?? 0);
}

function sampled(count: number, vocabSize: number, seed: number): number[] {
  return Array.from(randomUniforms(count, seed, 'prompt_tuning_init'), (x) => Math.floor(x * vocabSize));
}
