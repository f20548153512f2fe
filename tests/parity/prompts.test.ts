import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putOnGpu } from '../../src/engine/modelOnGpu.ts';
import { attachAdapterAt, openModelAt } from '../../src/engine/nodeOpen.ts';
import { readFloatTensors } from '../../src/formats/floatTensors.ts';
import { fileSource } from '../../src/formats/nodeFiles.ts';
import { Generator } from '../../src/generate/generator.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { Runtime } from '../../src/models/runtime.ts';
import { adapterTensors, configWith, parityCase, type ParityCase } from './cases.ts';
import { graft, logged, succeed, temporaryFolder, trainerState } from './graft.ts';

const temporary = temporaryFolder();

/** Trains with some fields of the case's run file set otherwise; gives the output folder. */
async function train(given: ParityCase, label: string, fields: Readonly<Record<string, unknown>>): Promise<string> {
  await succeed('train', written(given, label, fields), '--output', join(temporary, label));
  return join(temporary, label);
}

function written(given: ParityCase, label: string, fields: Readonly<Record<string, unknown>>): string {
  const config = join(temporary, `${label}.yaml`);
  writeFileSync(config, configWith(given, fields));
  return config;
}

async function embeddings(adapter: string): Promise<Float32Array> {
  const tensor = (await adapterTensors(adapter)).get('prompt_embeddings');
  if (!tensor) throw new Error(`${adapter} has no prompt_embeddings`);
  return tensor.data;
}

/** Afresh, and short. */
const fresh = { init_adapter: undefined, max_steps: 3, warmup_steps: 0, num_virtual_tokens: 4 };

const lstm = {
  ...fresh,
  peft_type: 'P_TUNING',
  encoder_reparameterization_type: 'LSTM',
  encoder_hidden_size: 6,
  encoder_dropout: 0.3,
};

describe('training a prompt', () => {
  it.each([
    ['llama-p-tuning-lstm', lstm],
    ['qwen3-prefix-projection', { ...fresh, peft_type: 'PREFIX_TUNING', prefix_projection: true }],
  ])('gives the same bytes with gradient checkpointing as without: %s', async (name, fields) => {
    const given = parityCase(name);
    const kept = await train(given, `${name}-kept`, { ...fields, gradient_checkpointing: false });
    const recomputed = await train(given, `${name}-recomputed`, { ...fields, gradient_checkpointing: true });
    expect(await embeddings(recomputed)).toEqual(await embeddings(kept));
    expect(logged(trainerState(recomputed), 'loss')).toEqual(logged(trainerState(kept), 'loss'));
  });

  it('starts from the embeddings of a text', async () => {
    const given = parityCase('llama-prompt');
    const text = { prompt_tuning_init: 'TEXT', prompt_tuning_init_text: 'apple' };
    const output = await train(given, 'text', { ...fresh, ...text, peft_type: 'PROMPT_TUNING', learning_rate: 0 });
    const model = await openModelAt(given.model);
    const ids = model.tokenizer.encode('apple');
    const weights = await readFloatTensors(await fileSource(join(given.model, 'model.safetensors')));
    const table = weights.get('model.embed_tokens.weight');
    const width = table?.shape[1] ?? 0;
    const expected = Array.from({ length: 4 }, (_, i) => ids[i % ids.length] ?? 0).flatMap((id) => [
      ...(table?.data.subarray(id * width, (id + 1) * width) ?? []),
    ]);
    expect([...(await embeddings(output))]).toEqual(expected);
  });

  it('goes on from the encoder beside the file, and is refused without it; for use the file is enough', async () => {
    const given = parityCase('qwen2-p-tuning');
    const first = await train(given, 'first', { ...lstm, shuffle: false });
    const frozen = await train(given, 'frozen', { init_adapter: first, learning_rate: 0, max_steps: 1 });
    expect(await embeddings(frozen)).toEqual(await embeddings(first));
    const bare = join(temporary, 'bare');
    cpSync(first, bare, { recursive: true });
    rmSync(join(bare, 'prompt_encoder.safetensors'));
    const refused = await graft('train', written(given, 'bare-run', { init_adapter: bare }), '--output', `${bare}-out`);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('no prompt_encoder.safetensors beside it');
    const ask = (adapter: string) => succeed('logits', '--model', given.model, '--adapter', adapter, '--text', 'Apple');
    expect(await ask(bare)).toBe(await ask(first));
  });
});

describe('writing behind a prompt', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openNodeGpu();
  });
  afterAll(() => gpu.device.destroy());

  it.each(['llama-prompt', 'mistral-prefix-window', 'qwen2-p-tuning', 'qwen3-prefix-projection'])(
    'takes, token by token, what a pass over the whole text finds likeliest: %s',
    async (name) => {
      const given = parityCase(name);
      const attached = await attachAdapterAt(join(given.folder, 'init'), await openModelAt(given.model));
      const { weights, space, traced } = await putOnGpu(gpu, attached.model, attached);
      const generator = new Generator(new Runtime(gpu, weights, space), traced);
      const prompt = attached.model.tokenizer.encode('The old apple tree');
      const greedy = { temperature: 0, topP: 1, seed: 1, stopIds: new Set<number>(), maxNewTokens: 6 };
      const { ids } = await generator.generate(prompt, greedy);
      expect(ids).toHaveLength(6);
      const likeliest = [];
      for (let i = 0; i < ids.length; i++) {
        const logits = await generator.logits([...prompt, ...ids.slice(0, i)]);
        likeliest.push(logits.indexOf(Math.max(...logits)));
      }
      expect(ids).toEqual(likeliest);
    },
  );
});
