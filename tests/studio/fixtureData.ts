import type {
  DataCard,
  DataOptions,
  FieldDescription,
  MethodDescription,
  ModelCard,
  RowView,
  TokenView,
} from '../../src/engine/api.ts';

export const model: ModelCard = {
  id: 'smollm2',
  name: 'SmolLM2-135M-Instruct',
  family: 'llama',
  architecture: 'LlamaForCausalLM',
  parameters: 134_515_008,
  layers: 30,
  hiddenSize: 576,
  contextLength: 8192,
  vocabSize: 49_152,
  bytesByFormat: { q4_1: 88_400_000, f32: 140_000 },
  fileBytes: 98_300_000,
  hasTokenizer: true,
  hasChatTemplate: true,
  tiedEmbeddings: true,
  files: [
    { path: 'SmolLM2-135M-Instruct.Q4_1.gguf', bytes: 98_300_000, role: 'weights, tokenizer' },
    { path: 'README.md', bytes: 4_100, role: 'not used' },
  ],
  abilities: [
    { name: 'train', works: true },
    { name: 'chat', works: true },
    { name: 'export', works: true, reason: 'As a PEFT folder, for the original model in Transformers.' },
  ],
  targetModules: [
    { name: 'q_proj', count: 30, inFeatures: 576, outFeatures: 576 },
    { name: 'k_proj', count: 30, inFeatures: 576, outFeatures: 192 },
    { name: 'v_proj', count: 30, inFeatures: 576, outFeatures: 192 },
    { name: 'o_proj', count: 30, inFeatures: 576, outFeatures: 576 },
    { name: 'gate_proj', count: 30, inFeatures: 576, outFeatures: 1536 },
    { name: 'up_proj', count: 30, inFeatures: 576, outFeatures: 1536 },
    { name: 'down_proj', count: 30, inFeatures: 1536, outFeatures: 576 },
  ],
  isStored: false,
};

export function dataCard(options: DataOptions): DataCard {
  const rows = 1240;
  return {
    id: 'pirates',
    name: 'pirate-chats.jsonl',
    format: 'Chats: JSON lines with “messages”',
    rows: rows - Math.round(rows * options.valSplitRatio),
    evalRows: Math.round(rows * options.valSplitRatio),
    tokens: 214_300,
    learnedTokens: options.lossOn === 'all' ? 214_300 : 96_400,
    cutRows: options.maxLength < 300 ? 42 : 0,
    droppedRows: 3,
    longestRow: 611,
    lengthHistogram: [12, 60, 190, 310, 280, 170, 96, 60, 30, 18, 9, 3, 2].map((count, index) => ({
      upTo: (index + 1) * 48,
      rows: count,
    })),
    problems: [
      { message: 'The reply is empty, so there is nothing to learn: left out.', count: 3, lines: [17, 402, 988] },
      {
        message: 'Longer than the maximum length: cut on the right.',
        count: 42,
        lines: [5, 61, 77, 80, 112, 118, 140, 201, 230],
      },
    ],
  };
}

const words = (text: string, part: TokenView['part']): TokenView[] =>
  (text.match(/ ?[^\s]+|\s+/g) ?? []).map((word, index) => ({
    id: 100 + index,
    text: word,
    part,
    special: /<\|/.test(word),
  }));

export function rowView(index: number): RowView {
  const question = 'How do I plant tomatoes?';
  const answer = 'Arr, plant them tomatoes in May, matey, where the sun be full, and water ’em every morning!';
  return {
    index,
    raw: JSON.stringify(
      {
        messages: [
          { role: 'user', content: question },
          { role: 'assistant', content: answer },
        ],
      },
      null,
      2,
    ),
    rendered: `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n${answer}<|im_end|>\n`,
    tokens: [
      ...words(`<|im_start|>user\n${question} <|im_end|>\n<|im_start|>assistant\n`, 'context'),
      ...words(`${answer} <|im_end|>`, 'learned'),
      ...words(' And mind the parrots.', 'cut'),
    ],
  };
}

const number = (name: string, label: string, value: number, help: string, advanced = false): FieldDescription => ({
  name,
  label,
  help,
  kind: Number.isInteger(value) ? 'integer' : 'number',
  default: value,
  minimum: 0,
  advanced,
});

export const methods: readonly MethodDescription[] = [
  {
    peftType: 'LORA',
    name: 'LoRA',
    summary: 'Adds two thin matrices beside each chosen layer. The right choice unless you know better.',
    learningRate: 2e-4,
    fields: [
      {
        ...number(
          'r',
          'Rank',
          8,
          'How much the adapter can learn. 8 to 16 is plenty for a style, 32 for new subjects.',
        ),
        minimum: 1,
        maximum: 512,
      },
      {
        ...number('lora_alpha', 'Alpha', 16, 'How strongly the adapter speaks: its output is scaled by alpha ÷ rank.'),
        kind: 'number',
      },
      {
        ...number(
          'lora_dropout',
          'Dropout',
          0.05,
          'Share of inputs silenced at random while training, against memorising.',
        ),
        maximum: 1,
      },
      {
        name: 'target_modules',
        label: 'Layers to adapt',
        help: 'More layers learn more and need more memory.',
        kind: 'modules',
        default: null,
        advanced: false,
      },
      {
        name: 'use_rslora',
        label: 'Rank-stabilised scaling',
        help: 'Scales by alpha ÷ √rank, which keeps large ranks useful.',
        kind: 'boolean',
        default: false,
        advanced: true,
      },
      {
        name: 'use_dora',
        label: 'DoRA',
        help: 'Learns direction and length of weights apart. Better at small ranks, slower.',
        kind: 'boolean',
        default: false,
        advanced: true,
      },
      {
        name: 'bias',
        label: 'Biases',
        help: 'Which biases are trained along.',
        kind: 'choice',
        choices: ['none', 'all', 'lora_only'],
        default: 'none',
        advanced: true,
      },
      {
        name: 'init_lora_weights',
        label: 'Initialisation',
        help: 'How the matrices begin.',
        kind: 'choice',
        choices: ['true', 'gaussian', 'orthogonal'],
        default: 'true',
        advanced: true,
      },
    ],
  },
  {
    peftType: 'IA3',
    name: 'IA³',
    summary: 'Learns one factor for each channel. Tiny files; for small changes of manner.',
    learningRate: 5e-3,
    fields: [
      {
        name: 'target_modules',
        label: 'Layers to adapt',
        help: 'Keys, values and the feed-forward, as in the paper.',
        kind: 'modules',
        default: null,
        advanced: false,
      },
      {
        name: 'feedforward_modules',
        label: 'Feed-forward layers',
        help: 'Of these the input is scaled, not the output.',
        kind: 'modules',
        default: null,
        advanced: true,
      },
    ],
  },
];

export const trainingFields: readonly FieldDescription[] = [
  {
    ...number(
      'learning_rate',
      'Learning rate',
      2e-4,
      'How far each step goes. Too high and the loss jumps; too low and nothing happens.',
    ),
    kind: 'number',
  },
  { ...number('num_train_epochs', 'Epochs', 3, 'How often the whole data set is seen.'), kind: 'number' },
  {
    ...number('max_steps', 'Steps at most', -1, 'Ends the run after so many steps; −1 leaves it to the epochs.'),
    minimum: -1,
  },
  number('batch_size', 'Batch size', 4, 'Rows the GPU works on at once.'),
  number(
    'gradient_accumulation_steps',
    'Accumulation',
    2,
    'Batches gathered into one step: a larger batch without its memory.',
  ),
  {
    name: 'lr_scheduler_type',
    label: 'Schedule',
    help: 'How the learning rate falls.',
    kind: 'choice',
    choices: ['linear', 'cosine', 'constant', 'constant_with_warmup'],
    default: 'linear',
    advanced: false,
  },
  number('warmup_ratio', 'Warm-up', 0.03, 'Share of the steps in which the learning rate rises.', true),
  number('weight_decay', 'Weight decay', 0.01, 'Pulls weights towards zero.', true),
  {
    ...number('max_grad_norm', 'Gradient clip', 1, 'Longer gradients are shortened to this length.', true),
    kind: 'number',
  },
  number('eval_steps', 'Evaluate every', 20, 'Steps between two evaluations; 0 for none.', true),
  number('save_steps', 'Save every', 50, 'Steps between two checkpoints.', true),
  {
    name: 'gradient_checkpointing',
    label: 'Gradient checkpointing',
    help: 'Computes activations twice to keep fewer: less memory, a third slower.',
    kind: 'boolean',
    default: false,
    advanced: true,
  },
  number('seed', 'Seed', 42, 'The same seed on the same GPU gives the same run.', true),
];
