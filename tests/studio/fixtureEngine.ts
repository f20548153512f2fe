import type { AdapterSummary, Engine, MetricPoint, OnRunEvent, RunFields, RunSummary } from '../../src/engine/api.ts';
import { dataCard, methods, model, rowView, trainingFields } from './fixtureData.ts';

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const flags = new URLSearchParams(location.search);

function lossAt(step: number): number {
  return 1.1 + 2.4 * Math.exp(-step / 60) + 0.25 * Math.sin(step * 12.9898) * Math.exp(-step / 200);
}

function metrics(until: number): MetricPoint[] {
  return Array.from({ length: until }, (_, index) => index + 1).map((step) => ({
    step,
    epoch: step / 100,
    loss: lossAt(step),
    learningRate: 2e-4 * Math.min(1, step / 12) * (1 - step / 420),
    gradNorm: 0.6 + 1.8 * Math.exp(-step / 30) + 0.2 * Math.abs(Math.sin(step * 78.2)),
    ...(step % 20 === 0 ? { evalLoss: lossAt(step) + 0.12 } : {}),
    tokens: step * 900,
    time: step * 300,
  }));
}

const runOf = (id: string, rest: Partial<RunSummary>): RunSummary => ({
  id,
  name: 'Pirate talk',
  status: 'finished',
  modelName: model.name,
  dataName: 'pirate-chats.jsonl',
  method: 'LoRA',
  fields: { peft_type: 'LORA', r: 8, learning_rate: 2e-4 },
  createdAt: Date.now() - 3.6e6,
  step: 420,
  totalSteps: 420,
  lastLoss: 1.132,
  bestEvalLoss: 1.261,
  adapterId: 'a1',
  ...rest,
});

const runs: RunSummary[] = flags.has('library')
  ? [
      runOf('r2', {
        name: 'Pirate talk, longer',
        status: 'interrupted',
        step: 214,
        checkpointStep: 200,
        checkpointAt: Date.now() - 40e3,
        adapterId: undefined,
        lastLoss: 1.412,
        bestEvalLoss: 1.52,
      } as Partial<RunSummary>),
      runOf('r1', {}),
      runOf('r0', {
        name: 'First try',
        status: 'failed',
        step: 31,
        lastLoss: Number.NaN,
        error: 'The loss is not a number at step 31.',
        createdAt: Date.now() - 9e7,
      }),
    ]
  : [];

const adapters: AdapterSummary[] = flags.has('library')
  ? [
      {
        id: 'a1',
        name: 'Pirate talk',
        peftType: 'LORA',
        baseModel: model.name,
        bytes: 3_700_000,
        parameters: 921_600,
        createdAt: Date.now() - 3.5e6,
        runId: 'r1',
      },
    ]
  : [];

let paused = false;
const wish: { stop: 'no' | 'keep' | 'drop' } = { stop: 'no' };

async function train(fields: RunFields, onEvent: OnRunEvent): Promise<RunSummary> {
  wish.stop = 'no' as typeof wish.stop;
  onEvent({ kind: 'status', status: 'preparing' });
  for (const [phase, total, unit] of [
    ['read', 98.3e6, 'bytes'],
    ['upload', 98.3e6, 'bytes'],
    ['compile', 37, 'kernels'],
    ['first-step', 1, 'steps'],
  ] as const) {
    for (let done = 0; done <= 4; done++) {
      await wait(flags.has('slow') && phase === 'compile' ? 2500 : 60);
      onEvent({ kind: 'progress', progress: { phase, done: Math.round((total * done) / 4), total, unit } });
    }
  }
  onEvent({ kind: 'status', status: 'running' });
  const total = 420;
  let step = 0;
  for (const point of metrics(total)) {
    while (paused) await wait(50);
    if (wish.stop !== 'no') break;
    step = point.step;
    onEvent({ kind: 'metric', point });
    onEvent({ kind: 'pace', step, totalSteps: total, tokensPerSecond: 3120.4, secondsLeft: (total - step) * 0.3 });
    if (step % 100 === 0) onEvent({ kind: 'checkpoint', step, best: true, stored: true });
    if (step % 150 === 0)
      onEvent({
        kind: 'sample',
        step,
        prompt: 'How do I plant tomatoes?',
        text: 'Arr, matey! Plant ’em in May, where the sun be full.',
      });
    await wait(flags.has('fast') ? 4 : 25);
  }
  if (wish.stop === 'drop') throw { code: 'cancelled', message: 'Discarded.' };
  if (flags.has('fail')) throw { code: 'device-lost', message: 'The GPU was lost at step 214: the driver was reset.' };
  const summary = runOf(`r${runs.length + 5}`, {
    fields,
    status: wish.stop === 'keep' ? 'stopped' : 'finished',
    step,
    adapterId: 'a9',
  });
  runs.unshift(summary);
  adapters.unshift({
    id: 'a9',
    name: 'Pirate talk 2',
    peftType: 'LORA',
    baseModel: model.name,
    bytes: 3_700_000,
    parameters: 921_600,
    createdAt: Date.now(),
  });
  return summary;
}

/** Plays the engine with made-up figures, to look at the screens without a GPU. */
export const fixtureEngine: Engine = {
  describeGpu: async () =>
    flags.has('nogpu')
      ? {
          available: false,
          reasons: ['WebGPU is here, but it found no GPU that it may use.'],
          name: '',
          isSoftware: false,
          hasF16: false,
          hasSubgroups: false,
          maxBufferSize: 0,
          bindingLimit: 0,
        }
      : {
          available: true,
          reasons: [],
          name: 'Apple M2',
          isSoftware: false,
          hasF16: true,
          hasSubgroups: true,
          maxBufferSize: 2 ** 30,
          bindingLimit: 2 ** 30,
        },
  describeStorage: async () => ({ usage: 412e6, quota: 10.7e9, persisted: false, heldElsewhere: false }),
  methods: async () => methods,
  trainingFields: async () => trainingFields,
  openModel: async (_files, onProgress) => {
    onProgress({ phase: 'read', done: 1e6, total: 98.3e6, unit: 'bytes' });
    await wait(200);
    if (flags.has('fail'))
      throw {
        code: 'bad-input',
        message: 'model.safetensors ends after 12 MB, but its header speaks of 98 MB. Download it again.',
      };
    return model;
  },
  openSample: async () => {
    await wait(200);
    return {
      model,
      data: dataCard({ maxLength: 256, lossOn: 'replies', valSplitRatio: 0.1 }),
      fields: { peft_type: 'LORA', r: 16, max_length: 256, val_split_ratio: 0.1 },
    };
  },
  openStoredModel: async () => model,
  listModels: async () =>
    flags.has('library') ? [{ id: 'smollm2', name: model.name, bytes: 98.3e6, lastUsed: Date.now() - 7.2e6 }] : [],
  keepModel: async (onProgress) => {
    for (let done = 0; done < 5; done++) {
      onProgress({ phase: 'store', done: done * 2e7, total: 98.3e6, unit: 'bytes' });
      await wait(flags.has('slow') ? 800 : 50);
    }
    return { id: 'smollm2', name: model.name, bytes: 98.3e6, lastUsed: Date.now() };
  },
  deleteModel: async () => undefined,
  openData: async (_files, options) => dataCard(options),
  reopenData: async (options) => dataCard(options),
  describeOpen: async () => ({ model: null, data: null }),
  dataRow: async (index) => rowView(index),
  estimate: async (fields) => {
    if (fields['r'] === 0) throw { code: 'bad-input', message: 'r must be at least 1, not 0.' };
    const large = Number(fields['batch_size']) >= 16;
    const bytes = {
      weights: 92e6,
      adapters: 3.7e6,
      gradients: 3.7e6,
      optimizer: 7.4e6,
      activations: large ? 3100e6 : 310e6,
      staging: 34e6,
    };
    const total = Object.values(bytes).reduce((sum, part) => sum + part, 0);
    return {
      bytes,
      total,
      available: 2.1e9,
      verdict: large ? 'exceeds' : 'fits',
      trainableParameters: 921_600,
      totalParameters: 135_436_608,
      adapterBytes: 3.7e6,
      remedies: large
        ? [
            {
              label: 'Batch of 4, accumulate 4',
              fields: { batch_size: 4, gradient_accumulation_steps: 4 },
              total: 4.5e8,
            },
            { label: 'Gradient checkpointing', fields: { gradient_checkpointing: true }, total: 1.2e9 },
          ]
        : [],
    };
  },
  startRun: train,
  resumeRun: (_id, onEvent) => train({}, onEvent),
  pause: async () => {
    paused = true;
  },
  unpause: async () => {
    paused = false;
  },
  stop: async (keep) => {
    wish.stop = keep ? 'keep' : 'drop';
    paused = false;
  },
  listRuns: async () => runs,
  runMetrics: async () => metrics(300),
  deleteRun: async () => undefined,
  generate: async ({ adapterId }, onText) => {
    const text = adapterId
      ? 'Arr, plant them tomatoes in May, matey, where the sun be full, and water ’em every mornin’, or they’ll walk the plank!'
      : 'Plant tomatoes in May in full sun. Water them every morning and pick them in August.';
    for (const word of text.split(/(?= )/)) {
      onText(word);
      await wait(30);
    }
    return { text, promptTokens: 14, newTokens: 27, tokensPerSecond: 41.3, stopped: 'end-of-turn' };
  },
  cancelGeneration: async () => undefined,
  listAdapters: async () => adapters,
  importAdapter: async () =>
    Promise.reject({ code: 'bad-input', message: 'adapter_config.json is missing. Choose the whole adapter folder.' }),
  deleteAdapter: async () => undefined,
  exportAdapter: async () => ({ name: 'pirate-talk.zip', blob: new Blob(['zip']) }),
  fieldsToYaml: async (fields) => JSON.stringify(fields, null, 2),
  yamlToFields: async (text) => JSON.parse(text) as RunFields,
};
