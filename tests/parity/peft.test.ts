import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { adapterTensors, caseNames, configWith, evaluationRows, parityCase } from './cases.ts';
import { weightDeviation, worstOfLargest, worstRelative } from './deviation.ts';
import { figures, logged, succeed, temporaryFolder, trainerState } from './graft.ts';

/** Far above what rounding gives and far below what any wrong formula does; see the table that the run prints. */
const allowed = { loss: 1e-4, gradNorm: 1e-3, learningRate: 1e-9, weights: 1e-2, logits: 1e-3, evalLoss: 1e-4 };

type Deviations = Record<keyof typeof allowed, number>;
const table: Record<string, Record<keyof Deviations, string>> = {};

describe('a run comes to what Hugging Face PEFT comes to', () => {
  const temporary = temporaryFolder();
  afterAll(() => console.table(table));

  it.each(caseNames)('%s', async (name) => {
    const given = parityCase(name);
    const { expected } = given;
    const output = join(temporary, name);
    await succeed('train', given.config, '--output', output);

    const state = trainerState(output);
    expect(state.global_step).toBe(expected.losses.length);
    const ours = await adapterTensors(output);
    const theirs = await adapterTensors(join(given.folder, 'final'));
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    const { logits } = await figures<{ logits: number[] }>(
      'logits',
      '--config',
      given.config,
      '--adapter',
      output,
      '--text',
      expected.probe.text,
    );
    if (expected.probe.reply !== undefined) {
      const asked = ['--config', given.config, '--adapter', output, '--prompt', expected.probe.text];
      const reply = await succeed('generate', ...asked, '--temperature', '0', '--max-new-tokens', '12');
      expect(reply.trimEnd()).toBe(expected.probe.reply);
    }
    const evaluated = join(temporary, `${name}.yaml`);
    writeFileSync(evaluated, configWith(given, { eval_dataset: evaluationRows(given, temporary) }));
    const evaluation = await figures<Evaluation>('eval', evaluated, '--adapter', output);
    expect(evaluation.rows).toBe(6);
    expect(evaluation.tokens ?? evaluation.targets).toBe(expected.eval_tokens);
    if (evaluation.perplexity !== undefined)
      expect(evaluation.perplexity).toBeCloseTo(Math.exp(evaluation.eval_loss), 4);

    const deviations: Deviations = {
      loss: worstRelative(logged(state, 'loss'), expected.losses),
      gradNorm: worstRelative(logged(state, 'grad_norm'), expected.grad_norms),
      learningRate: worstOfLargest(logged(state, 'learning_rate'), expected.learning_rates),
      weights: weightDeviation(ours, theirs, await adapterTensors(join(given.folder, 'init'))),
      logits: worstOfLargest(logits, expected.probe.logits),
      evalLoss: worstRelative([evaluation.eval_loss], [expected.eval_loss]),
    };
    const entries = Object.entries(deviations) as [keyof Deviations, number][];
    table[name] = Object.fromEntries(entries.map(([key, value]) => [key, value.toExponential(1)])) as Record<
      keyof Deviations,
      string
    >;
    for (const [key, value] of entries) expect(value, key).toBeLessThanOrEqual(allowed[key]);
  });
});

interface Evaluation {
  readonly eval_loss: number;
  readonly perplexity?: number;
  readonly rows: number;
  /** of a language model, or of a classifier */
  readonly tokens?: number;
  readonly targets?: number;
}
