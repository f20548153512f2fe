import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { LoadedModel } from '../../src/engine/loadedModel.ts';
import { estimateBytes, totalBytes, type EstimatedBytes } from '../../src/engine/estimate.ts';
import { quantisationOf } from '../../src/engine/quantisationFields.ts';
import { prepareRun } from '../../src/engine/preparedRun.ts';
import { RunControl } from '../../src/engine/runControl.ts';
import { largestBatch } from '../../src/engine/runBatches.ts';
import { trainAdapter, type TrainingResult } from '../../src/engine/trainingRun.ts';
import type { EncodedRow } from '../../src/data/encodeRow.ts';
import { openPath } from '../../src/formats/nodeFiles.ts';
import { Generator } from '../../src/generate/generator.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { Runtime } from '../../src/models/runtime.ts';

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const demo = path('public/demo/model');
const quantised = path('tests/fixtures/parity/models/llama-gguf.gguf');

const open: Gpu[] = [];
afterEach(() => {
  for (const { device } of open.splice(0)) device.destroy();
});

async function openGpu(bindingLimit?: number): Promise<Gpu> {
  const gpu = await openNodeGpu(bindingLimit === undefined ? {} : { bindingLimit });
  gpu.device.addEventListener('uncapturederror', (event) => {
    throw new Error(event.error.message);
  });
  open.push(gpu);
  return gpu;
}

async function openModel(folder: string): Promise<LoadedModel> {
  return LoadedModel.open(await openPath(folder), 'model');
}

function generatorOf(model: LoadedModel, runtime: Runtime): Generator {
  const { description, catalog } = model.checkpoint;
  return new Generator(runtime, { description, catalog, positions: model.positions });
}

async function logitsOf(folder: string, ids: readonly number[], bindingLimit?: number): Promise<Float32Array> {
  const [gpu, model] = [await openGpu(bindingLimit), await openModel(folder)];
  return generatorOf(model, new Runtime(gpu, await model.weightsOn(gpu))).logits(ids);
}

/** A row that learns every token but the first. */
function row(ids: readonly number[]): EncodedRow {
  return {
    ids: Uint32Array.from(ids),
    labels: Int32Array.from(ids, (id, i) => (i === 0 ? -100 : id)),
  } as unknown as EncodedRow;
}

const counted = (length: number, start: number, vocabulary: number) =>
  Array.from({ length }, (_, i) => (start + 7 * i) % vocabulary);

async function train(
  folder: string,
  fields: Readonly<Record<string, unknown>>,
  bindingLimit?: number,
): Promise<{
  gpu: Gpu;
  model: LoadedModel;
  result: TrainingResult;
  losses: number[];
  estimated: EstimatedBytes;
  allocated: ReadonlyMap<string, number>;
}> {
  const [gpu, stored] = [await openGpu(bindingLimit), await openModel(folder)];
  const model = stored.quantised(quantisationOf(fields));
  const { vocabSize } = model.checkpoint.description;
  const rows = [20, 31, 12, 26].map((length, i) => row(counted(length, 11 * i, vocabSize)));
  const { run, adapter, initial } = await prepareRun(model, { batch_size: 2, max_steps: 3, shuffle: false, ...fields });
  const settings = run.training;
  const losses: number[] = [];
  let allocated: ReadonlyMap<string, number> = new Map();
  const result = await trainAdapter(
    { gpu, model, adapter, initial, rows, evalRows: rows.slice(0, 2), settings },
    new RunControl(),
    {
      onStep: ({ loss }) => {
        losses.push(loss);
        allocated = new Map(gpu.memory.bytesByCategory());
      },
    },
  );
  const { description, catalog } = model.checkpoint;
  const batch = await largestBatch(rows, settings.batchSize, model);
  const estimated = estimateBytes({
    ...{ description, catalog, adapter, settings, evaluates: true, positions: model.positions },
    ...{ tokens: batch.tokens, labelled: batch.targetCount, quantises: false, device: gpu.description },
  });
  return { gpu, model, result, losses, estimated, allocated };
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] ?? NaN))), 0);
}

describe('weights in shards', () => {
  it.each([
    ['floats', demo, 1536, 96 * 1024],
    ['blocks', quantised, 300, 16 * 1024],
  ])('give the logits of whole ones: %s', async (_, folder, vocabulary, limit) => {
    const ids = counted(40, 5, vocabulary);
    const whole = await logitsOf(folder, ids);
    const sharded = await logitsOf(folder, ids, limit);
    expect(Math.max(...whole.map(Math.abs))).toBeGreaterThan(0.1);
    expect(largestDifference(whole, sharded)).toBeLessThan(1e-4);
  });

  it.each([
    [
      'LoRA on a head and an embedding in shards',
      demo,
      { target_modules: ['embed_tokens', 'lm_head', 'q_proj'] },
      112 * 1024,
    ],
    ['a head trained whole, in shards', demo, { target_modules: ['q_proj'], modules_to_save: ['lm_head'] }, 112 * 1024],
    ['LoRA on blocks in shards', quantised, { target_modules: 'all-linear' }, 20 * 1024],
  ])('train as whole ones do: %s', async (_, folder, fields, limit) => {
    const whole = await train(folder, { peft_type: 'LORA', learning_rate: 1e-3, ...fields });
    const sharded = await train(folder, { peft_type: 'LORA', learning_rate: 1e-3, ...fields }, limit);
    expect(sharded.losses).toHaveLength(3);
    sharded.losses.forEach((loss, i) => expect(loss).toBeCloseTo(whole.losses[i] ?? NaN, 4));
    for (const [name, values] of whole.result.values)
      expect(largestDifference(values, sharded.result.values.get(name) ?? new Float32Array()), name).toBeLessThan(2e-4);
  });
});

const sum = (bytes: Iterable<number>) => [...bytes].reduce((total, part) => total + part, 0);

function expectAsEstimated(estimated: EstimatedBytes, allocated: ReadonlyMap<string, number>): void {
  expect(Math.abs(totalBytes(estimated) / sum(allocated.values()) - 1)).toBeLessThan(0.03);
}

describe('the memory of a run', () => {
  it.each([false, true])('is what was estimated, checkpointing %s', async (gradientCheckpointing) => {
    const { estimated, allocated } = await train(demo, {
      peft_type: 'LORA',
      target_modules: 'all-linear',
      gradient_checkpointing: gradientCheckpointing,
    });
    expectAsEstimated(estimated, allocated);
  });

  it.each([
    ['llama-nf4', { load_in_4bit: true, bnb_4bit_quant_type: 'nf4', bnb_4bit_use_double_quant: true, use_dora: true }],
    ['llama-nf4', { load_in_4bit: true, load_embeddings_in_8bit: true, peft_type: 'IA3' }],
    ['llama-fp4', { target_modules: 'all-linear', gradient_checkpointing: true }],
    ['qwen2-int8', { peft_type: 'HOULSBY' }],
    ['llama-gptq', { target_modules: 'all-linear', use_dora: true, lora_dropout: 0.1 }],
    ['llama-awq', { peft_type: 'PREFIX_TUNING', num_virtual_tokens: 5 }],
    ['llama-k-gguf.gguf', { target_modules: ['q_proj', 'lm_head'] }],
    ['gpt2-gguf.gguf', { peft_type: 'PROMPT_TUNING', num_virtual_tokens: 5 }],
    ['bloom-gguf.gguf', { peft_type: 'BITFIT' }],
  ] as const)('is what was estimated for a quantised model: %s, %j', async (name, fields) => {
    const { estimated, allocated } = await train(path(`tests/fixtures/parity/models/${name}`), fields);
    expectAsEstimated(estimated, allocated);
    expect(allocated.get('weights')).toBe(estimated.weights);
  });

  it('is given back at the end, but for the weights, which the model keeps until it is unloaded', async () => {
    const { gpu, model } = await train(demo, { peft_type: 'LORA' });
    const held = () => [...gpu.memory.bytesByCategory()].filter(([, bytes]) => bytes !== 0).map(([name]) => name);
    expect(held()).toEqual(['weights']);
    model.unload();
    expect(held()).toEqual([]);
  });
});

describe('Generator', () => {
  it('answers a long prompt after a short one as it would at first', async () => {
    const [gpu, model] = [await openGpu(), await openModel(demo)];
    const weights = await model.weightsOn(gpu);
    const fresh = generatorOf(model, new Runtime(gpu, weights));
    const long = counted(200, 3, 1536);
    const expected = await fresh.logits(long);
    const used = generatorOf(model, new Runtime(gpu, weights));
    const short = await used.logits(long.slice(0, 5));
    expect(await used.logits(long)).toEqual(expected);
    expect(await used.logits(long.slice(0, 5))).toEqual(short);
  });

  it('gives the same logits token by token as all at once', async () => {
    const [gpu, model] = [await openGpu(), await openModel(demo)];
    const generator = generatorOf(model, new Runtime(gpu, await model.weightsOn(gpu)));
    const prompt = counted(37, 3, 1536);
    const { ids, stopped } = await generator.generate(prompt, {
      maxNewTokens: 4,
      stopIds: new Set(),
      seed: 0,
      temperature: 0,
      topP: 1,
    });
    expect(stopped).toBe('length');
    for (const [i, id] of ids.entries()) {
      const logits = await generator.logits([...prompt, ...ids.slice(0, i)]);
      expect(logits.indexOf(Math.max(...logits))).toBe(id);
    }
  });
});
