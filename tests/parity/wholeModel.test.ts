import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readFloatTensors } from '../../src/formats/floatTensors.ts';
import { fileSource } from '../../src/formats/nodeFiles.ts';
import { worstOfLargest, worstRelative } from './deviation.ts';
import { figures, logged, succeed, temporaryFolder, trainerState } from './graft.ts';

const parity = fileURLToPath(new URL('../fixtures/parity/', import.meta.url));
const temporary = temporaryFolder();

/** What PyTorch comes to (tools/make_whole_model_cases.py). */
interface WholeModelCase {
  readonly model: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly rows: readonly unknown[];
  readonly losses: readonly number[];
  readonly grad_norms: readonly number[];
  readonly probe: { readonly text: string; readonly logits: readonly number[] };
  /** those of the trained tensors that are small */
  readonly tensors: Readonly<Record<string, readonly number[]>>;
}

function open(name: string): WholeModelCase {
  return JSON.parse(readFileSync(join(parity, 'whole', `${name}.json`), 'utf8')) as WholeModelCase;
}

/** Trains as the case says, with some fields set otherwise; gives the output folder. */
async function train(name: string, label: string, fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const given = open(name);
  const folder = join(temporary, label);
  mkdirSync(folder);
  const dataset = join(folder, 'data.jsonl');
  writeFileSync(dataset, given.rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const model = join(parity, 'models', given.model);
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify({ model, dataset, ...given.fields, ...fields }));
  await succeed('train', join(folder, 'config.yaml'), '--output', join(folder, 'output'));
  return join(folder, 'output');
}

const weightsOf = async (output: string) => readFloatTensors(await fileSource(join(output, 'model.safetensors')));

describe('a model that is trained whole', () => {
  it.each(['full', 'full-gpt2', 'full-t5', 'full-flan-t5', 'lisa', 'lisa-mt5'])(
    'comes to what PyTorch comes to: %s',
    async (name) => {
      const { losses, grad_norms: gradNorms, probe, tensors } = open(name);
      const output = await train(name, name);
      const state = trainerState(output);
      expect(worstRelative(logged(state, 'loss'), losses)).toBeLessThan(1e-5);
      expect(worstRelative(logged(state, 'grad_norm'), gradNorms)).toBeLessThan(1e-4);
      const ours = await weightsOf(output);
      for (const [tensor, theirs] of Object.entries(tensors))
        expect(worstOfLargest([...(ours.get(tensor)?.data ?? [])], theirs), tensor).toBeLessThan(1e-3);
      const { logits } = await figures<{ logits: number[] }>('logits', '--model', output, '--text', probe.text);
      expect(worstOfLargest(logits, probe.logits)).toBeLessThan(1e-4);
    },
  );

  it('is a folder of Transformers, and stands for an adapter of its base model too', async () => {
    const output = await train('full', 'folder', { max_steps: 1, warmup_steps: 0 });
    const config = JSON.parse(readFileSync(join(output, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config).toMatchObject({ model_type: 'qwen2', torch_dtype: 'float32', tie_word_embeddings: true });
    const base = join(parity, 'models', open('full').model);
    const ask = (...where: string[]) => succeed('logits', ...where, '--text', 'Apple');
    expect(await ask('--model', base, '--adapter', output)).toBe(await ask('--model', output));
    expect(await ask('--model', base)).not.toBe(await ask('--model', output));
    const still = await train('full', 'still', { peft_type: undefined, init_adapter: output, learning_rate: 0 });
    expect(await weightsOf(still)).toEqual(await weightsOf(output));
  });

  it('keeps layers that were never drawn as they were', async () => {
    const output = await train('lisa', 'one-draw', { lisa_step_interval: 100 });
    const before = await readFloatTensors(
      await fileSource(join(parity, 'models', open('lisa').model, 'model.safetensors')),
    );
    const changed = [...(await weightsOf(output))].filter(([name, { data }]) =>
      data.some((value, i) => value !== before.get(name)?.data[i]),
    );
    const places = new Set(changed.map(([name]) => /^model\.layers\.\d+|^[a-z_]+(\.[a-z_]+)?/.exec(name)?.[0]));
    expect([...places].sort()).toEqual(['lm_head.weight', 'model.embed_tokens', 'model.layers.1', 'model.norm']);
  });
});
