import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { caseNames, configWith, parityCase } from './cases.ts';
import { worstRelative } from './deviation.ts';
import { logged, succeed, temporaryFolder, trainerState } from './graft.ts';

describe('AdaLoRA keeps the ranks that PEFT keeps', () => {
  const temporary = temporaryFolder();

  it.each(caseNames.filter((name) => parityCase(name).expected.ranks?.length))('after each step: %s', async (name) => {
    const given = parityCase(name);
    const { ranks = [], reg_losses: penalties = [] } = given.expected;
    const run = join(temporary, `${name}.yaml`);
    writeFileSync(run, configWith(given, { save_steps: 1 }));
    const output = join(temporary, name);
    await succeed('train', run, '--output', output);
    const ours = ranks.map((_, i) => patternIn(join(output, `checkpoint-${i + 1}`)));
    expect(ours).toEqual(ranks);
    expect(ranks.some((pattern) => pattern !== null)).toBe(true);
    expect(worstRelative(logged(trainerState(output), 'reg_loss'), penalties)).toBeLessThan(1e-5);
  });
});

function patternIn(adapter: string): unknown {
  const config = JSON.parse(readFileSync(join(adapter, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
  return config['rank_pattern'];
}
