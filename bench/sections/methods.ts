// What each method costs beside plain LoRA: the time of an optimizer step, and the memory that is planned for it.
import { collate, type Batch } from '../../src/data/collate.ts';
import { estimateBytes, parameterCounts, totalBytes } from '../../src/engine/estimate.ts';
import { LoadedModel } from '../../src/engine/loadedModel.ts';
import { prepareRun } from '../../src/engine/preparedRun.ts';
import { memorySource, type FileSet } from '../../src/formats/byteSource.ts';
import { isUserError } from '../../src/formats/errors.ts';
import { writeSafetensors } from '../../src/formats/safetensorsWriter.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { neededShapes } from '../../src/models/checkpoint.ts';
import { describeModel } from '../../src/models/registry.ts';
import { ParameterSpace } from '../../src/peft/parameterSpace.ts';
import { methods } from '../../src/peft/registry.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { noise } from '../numbers.ts';
import { openBenchmarkGpu, sleepUntil } from '../nodeGpu.ts';
import { printTable } from '../table.ts';

/** SmolLM2-135M's layers, four of them, with Qwen2's biases so that methods of biases have something to train. */
const config = {
  ...{ architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2', vocab_size: 4096, hidden_size: 576 },
  ...{ intermediate_size: 1536, num_hidden_layers: 4, num_attention_heads: 9, num_key_value_heads: 3 },
  ...{ max_position_embeddings: 512, tie_word_embeddings: true },
};
const [rows, tokens, rounds] = [2, 64, 4];

/** Variants of a method beside its defaults, and fields that have none. */
const variants: readonly (readonly [label: string, fields: Readonly<Record<string, unknown>>])[] = [
  ['LoRA', { peft_type: 'LORA' }],
  ['DoRA', { peft_type: 'LORA', use_dora: true }],
  ['DoRA, dropout 0.1', { peft_type: 'LORA', use_dora: true, lora_dropout: 0.1 }],
  ['PiSSA', { peft_type: 'LORA', init_lora_weights: 'pissa' }],
  ['Prefix tuning, projected', { peft_type: 'PREFIX_TUNING', num_virtual_tokens: 20, prefix_projection: true }],
  ['P-tuning, LSTM', { peft_type: 'P_TUNING', num_virtual_tokens: 20, encoder_reparameterization_type: 'LSTM' }],
  ...methods
    .filter(({ peftType }) => peftType !== 'LORA')
    .map(({ name, peftType, fields }) => {
      const has = (field: string) => fields.some((candidate) => candidate.name === field);
      const needed = {
        ...(has('num_virtual_tokens') && { num_virtual_tokens: 20 }),
        ...(has('total_step') && { total_step: 1000 }),
        ...(peftType === 'TRAINABLE_TOKENS' && { token_indices: [5, 6, 7] }),
      };
      return [name, { peft_type: peftType, ...needed }] as const;
    }),
];

async function randomModel(): Promise<LoadedModel> {
  const shapes = [...neededShapes(describeModel(config))];
  const tensors = shapes.map(([name, shape], seed) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const spread = name.includes('norm') ? 0 : 0.05;
    return { name, shape, data: noise(count, seed).map((x) => (spread === 0 ? 1 : spread * x)) };
  });
  const files: FileSet = new Map([
    ['config.json', memorySource(new TextEncoder().encode(JSON.stringify(config)), 'config.json')],
    ['model.safetensors', memorySource(writeSafetensors(tensors), 'model.safetensors')],
  ]);
  return LoadedModel.open(files, 'the model of the benchmark');
}

function randomBatch(): Batch {
  const row = (seed: number) => {
    const ids = Uint32Array.from(noise(tokens, seed), (x) => Math.floor(((x + 1) / 2) * config.vocab_size));
    return { ids, labels: Int32Array.from(ids), cut: false };
  };
  return collate(
    Array.from({ length: rows }, (_, i) => row(i + 1)),
    32,
  );
}

/** Milliseconds: on a software driver those that the process has computed for, which other programs do not change. */
function clock({ description }: Gpu): number {
  if (!description.isSoftware) return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

interface Contestant {
  readonly bytes: number;
  readonly trainable: number;
  step(): Promise<number>;
  destroy(): void;
}

async function contestant(
  gpu: Gpu,
  model: LoadedModel,
  fields: Readonly<Record<string, unknown>>,
  batch: Batch,
): Promise<Contestant> {
  const { run, adapter, initial } = await prepareRun(model, { ...fields, max_steps: 1000, max_length: tokens });
  const { description, catalog } = model.checkpoint;
  const weights = await model.weightsOn(gpu);
  const spaces = ['parameters', 'gradients', 'firstMoments', 'secondMoments'] as const;
  const space = new ParameterSpace(gpu, adapter.parameters, spaces);
  for (const [name, values] of initial) space.write('parameters', name, values);
  const traced = { description, catalog, adapter: adapter.hooks, positions: model.positions };
  const trainer = new Trainer(gpu, weights, traced, adapter, space, run.training, 0);
  await trainer.prepare(batch, false);
  let steps = 0;
  const step = async () => {
    const start = clock(gpu);
    await sleepUntil(trainer.step([batch], ++steps, 1e-4).then(() => trainer.runtime.submitter.idle()));
    return clock(gpu) - start;
  };
  await step();
  const planned = estimateBytes({
    ...{ description, catalog, adapter, settings: run.training, tokens, labelled: batch.targetCount },
    ...{ evaluates: false, positions: model.positions, quantises: false, device: gpu.description },
  });
  return {
    bytes: totalBytes(planned),
    trainable: parameterCounts(description, adapter).trainable,
    step,
    destroy: () => {
      trainer.destroy();
      space.destroy();
    },
  };
}

const gpu = await openBenchmarkGpu();
const model = await randomModel();
const batch = randomBatch();
const lora = await contestant(gpu, model, { peft_type: 'LORA' }, batch);
const table: string[][] = [];
for (const [label, fields] of variants) {
  try {
    const method = await contestant(gpu, model, fields, batch);
    let [ours, loras] = [Infinity, Infinity];
    for (let round = 0; round < rounds; round++) {
      ours = Math.min(ours, await method.step());
      loras = Math.min(loras, await lora.step());
    }
    method.destroy();
    table.push([label, String(method.trainable), (ours / loras).toFixed(2), (method.bytes / lora.bytes).toFixed(2)]);
  } catch (error) {
    if (!isUserError(error)) throw error;
    table.push([label, error.message, '', '']);
  }
  console.error(table.at(-1)?.join('  '));
}
printTable(
  `A step of each method beside LoRA's (r 8 on q and v), ${rows}×${tokens} tokens, four layers of SmolLM2-135M; Node, ${gpu.description.name}`,
  ['method', 'trained', 'time ÷ LoRA', 'memory ÷ LoRA'],
  table,
);
process.exit(0);
