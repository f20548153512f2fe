import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
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
});
