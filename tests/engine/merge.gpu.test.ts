import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parityCase } from '../parity/cases.ts';
import { worstOfLargest } from '../parity/deviation.ts';
import { figures } from '../parity/graft.ts';

const folder = mkdtempSync(join(tmpdir(), 'graft-merge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = 'The quick brown fox jumps over the lazy dog, and then it rests.';

describe('a merged model', () => {
  it.each([
    'llama-lora-patterns',
    'llama-lora-embedding-and-head',
    'llama3-lora-embedding-and-head',
    'qwen2-lora-all-biases',
    'qwen2-ia3',
    'mistral-ia3-feedforward',
    'qwen3-ia3-head',
    'llama3-lora-saved-pair',
    'mistral-lora-saved-block',
  ])('gives the logits of the model with its adapter: %s', async (name) => {
    const { model, folder: given } = parityCase(name);
    const [adapter, output] = [join(folder, name, 'adapter'), join(folder, name, 'merged')];
    mkdirSync(adapter, { recursive: true });
    copyFileSync(join(given, 'init', 'adapter_config.json'), join(adapter, 'adapter_config.json'));
    copyFileSync(join(given, 'final', 'adapter_model.safetensors'), join(adapter, 'adapter_model.safetensors'));
    await figures('merge', '--model', model, '--adapter', adapter, '--output', output);
    const logits = async (...args: string[]) =>
      (await figures<{ logits: number[] }>('logits', ...args, '--text', text)).logits;
    const [base, beside, merged] = [
      await logits('--model', model),
      await logits('--model', model, '--adapter', adapter),
      await logits('--model', output),
    ];
    const effect = worstOfLargest(base, beside);
    expect(effect).toBeGreaterThan(1e-3);
    // weights in halves are rounded once more where the adapter is merged into them
    expect(worstOfLargest(merged, beside)).toBeLessThan(0.1 * effect);
  });

  it.each([
    'llama-gguf-lora', // Q4_0, Q4_1, with permuted rows
    'llama-k-gguf-lora',
    'qwen2-gguf-lora-head', // the head becomes a tensor of its own
    'llama-gptq-lora',
    'llama-awq-lora',
    'llama-fp4-lora',
    'qwen2-int8-lora', // quantised on loading
  ])('goes back into the format of its base, and its logits go with it: %s', async (name) => {
    const { model, config, folder: given } = parityCase(name);
    const [adapter, output] = [join(folder, name, 'adapter'), join(folder, name, 'merged')];
    mkdirSync(adapter, { recursive: true });
    const trained = JSON.parse(readFileSync(join(given, 'init', 'adapter_config.json'), 'utf8')) as {
      lora_alpha: number;
    };
    // four times as strong as a few steps made it: rounding is to take a small part of the change, or the bound below says nothing
    const stronger = { ...trained, lora_alpha: 4 * trained.lora_alpha };
    writeFileSync(join(adapter, 'adapter_config.json'), JSON.stringify(stronger));
    copyFileSync(join(given, 'final', 'adapter_model.safetensors'), join(adapter, 'adapter_model.safetensors'));
    const base = name.includes('int8') ? ['--config', config] : ['--model', model];
    const { requantized } = await figures<{ requantized: { change_lost: number } }>(
      ...['merge', ...base, '--adapter', adapter, '--output', output, '--requantize'],
    );
    expect(requantized.change_lost).toBeLessThan(0.5);
    const logits = async (...args: string[]) =>
      (await figures<{ logits: number[] }>('logits', ...args, '--text', text)).logits;
    const [before, beside, merged] = [
      await logits(...base),
      await logits(...base, '--adapter', adapter),
      await logits('--model', output),
    ];
    // rounding moves the logits about as far as it is said to move the weights
    expect(worstOfLargest(merged, beside)).toBeLessThan(2 * requantized.change_lost * worstOfLargest(before, beside));
  });
});
