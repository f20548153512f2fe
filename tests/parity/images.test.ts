import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { adapterTensors, type Expected } from './cases.ts';
import { weightDeviation, worstOfLargest, worstRelative } from './deviation.ts';
import { figures, logged, succeed, temporaryFolder, trainerState } from './graft.ts';

const parity = fileURLToPath(new URL('../fixtures/parity/', import.meta.url));
const cases = readdirSync(join(parity, 'images'));

describe('a classifier of images comes to what Hugging Face PEFT or AdapterHub comes to', () => {
  const temporary = temporaryFolder();

  it.each(cases)('%s', async (name) => {
    const folder = join(parity, 'images', name);
    const expected = JSON.parse(readFileSync(join(folder, 'expect.json'), 'utf8')) as Expected;
    const output = join(temporary, name);
    await succeed('train', join(folder, 'config.yaml'), '--output', output);

    const state = trainerState(output);
    expect(worstRelative(logged(state, 'loss'), expected.losses)).toBeLessThan(1e-5);
    expect(worstRelative(logged(state, 'grad_norm'), expected.grad_norms)).toBeLessThan(1e-5);
    const [ours, theirs] = [await adapterTensors(output), await adapterTensors(join(folder, 'final'))];
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    expect(weightDeviation(ours, theirs, await adapterTensors(join(folder, 'init')))).toBeLessThan(1e-3);
    const config = JSON.parse(readFileSync(join(output, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
    expect(config['task_type'] ?? null).toBeNull(); // AdapterHub's has none

    const model = join(parity, 'models', 'vit');
    const image = join(folder, 'images', '0.png');
    const asked = ['--model', model, '--adapter', output, '--image', image];
    const { logits } = await figures<{ logits: number[] }>('logits', ...asked);
    expect(worstOfLargest(logits, expected.probe.logits)).toBeLessThan(1e-5);
  });
});
