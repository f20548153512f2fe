import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { adapterTensors, configWith, evaluationRows, parityCase, type ParityCase } from './cases.ts';
import { worstRelative, weightDeviation } from './deviation.ts';
import { logged, succeed, temporaryFolder, trainerState } from './graft.ts';

const temporary = temporaryFolder();

/** Trains with some fields of the case's run file set otherwise; gives the output folder. */
async function train(given: ParityCase, label: string, fields: Readonly<Record<string, unknown>>): Promise<string> {
  const config = join(temporary, `${label}.yaml`);
  writeFileSync(config, configWith(given, fields));
  await succeed('train', config, '--output', join(temporary, label));
  return join(temporary, label);
}

function weightBytes(output: string): Buffer {
  return readFileSync(join(output, 'adapter_model.safetensors'));
}

describe('a run says the same thing twice', () => {
  it('gives the same bytes and figures for the same seed, from random weights and shuffled rows', async () => {
    const given = parityCase('llama-lora');
    const fields = {
      peft_type: 'LORA',
      init_adapter: undefined,
      target_modules: ['q_proj', 'down_proj'],
      lora_dropout: 0.1,
      shuffle: true,
      seed: 7,
    };
    const [first, second, other] = [
      await train(given, 'first', fields),
      await train(given, 'second', fields),
      await train(given, 'other', { ...fields, seed: 8 }),
    ];
    expect(weightBytes(second).equals(weightBytes(first))).toBe(true);
    expect(trainerState(second).log_history).toEqual(trainerState(first).log_history);
    expect(weightBytes(other).equals(weightBytes(first))).toBe(false);
  });

  it('gives the same bytes with gradient checkpointing as without, dropout and all', async () => {
    const given = parityCase('qwen2-lora-own-biases');
    const fields = {
      peft_type: 'LORA',
      init_adapter: undefined,
      r: 2,
      target_modules: ['k_proj', 'up_proj'],
      bias: 'lora_only',
      lora_dropout: 0.2,
    };
    const kept = await train(given, 'kept', { ...fields, gradient_checkpointing: false });
    const recomputed = await train(given, 'recomputed', { ...fields, gradient_checkpointing: true });
    expect(weightBytes(recomputed).equals(weightBytes(kept))).toBe(true);
    expect(logged(trainerState(recomputed), 'loss')).toEqual(logged(trainerState(kept), 'loss'));
  });

  it('takes accumulated batches as one larger batch, though their rows have unlike numbers of targets', async () => {
    const given = parityCase('qwen2-lora-completion');
    const whole = await train(given, 'whole', { batch_size: 4, gradient_accumulation_steps: 1, max_steps: 3 });
    const parts = await train(given, 'parts', { batch_size: 2, gradient_accumulation_steps: 2, max_steps: 3 });
    for (const figure of ['loss', 'grad_norm'] as const)
      expect(worstRelative(logged(trainerState(parts), figure), logged(trainerState(whole), figure))).toBeLessThan(
        1e-5,
      );
    const initial = await adapterTensors(join(given.folder, 'init'));
    expect(weightDeviation(await adapterTensors(parts), await adapterTensors(whole), initial)).toBeLessThan(1e-4);
  });
});

describe('trainer_state.json', () => {
  it('has what Transformers writes: a short last step in each epoch, and evaluations beside the losses', async () => {
    const given = parityCase('llama-lora-patterns');
    const output = await train(given, 'state', { eval_dataset: evaluationRows(given, temporary), eval_steps: 2 });
    const state = trainerState(output);
    // 7 rows in batches of 2, two batches a step: two steps an epoch, the second over 3 rows
    expect(state).toMatchObject({ global_step: 4, max_steps: 4, epoch: 2 });
    expect(logged(state, 'step')).toEqual([1, 2, 3, 4]);
    expect(logged(state, 'epoch')).toEqual([0.5, 1, 1.5, 2]);
    const evaluations = state.log_history.filter((entry) => entry['eval_loss'] !== undefined);
    expect(evaluations.map((entry) => entry['step'])).toEqual([0, 2, 4]);
    expect(worstRelative([evaluations[2]?.['eval_loss'] ?? NaN], [given.expected.eval_loss])).toBeLessThan(1e-4);
  });
});
