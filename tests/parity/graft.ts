import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, vi } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { runCommand } from '../../src/cli/run.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line as a person would, but within this process: starting one costs a second each time. */
export async function graft(...args: string[]): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      written[name] += String(chunk);
      return true;
    }),
  );
  try {
    const code = await runCommand(commands, args);
    return { code, ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** The figures of a command that must succeed: its one line of JSON. */
export async function figures<T>(...args: string[]): Promise<T> {
  return JSON.parse(await succeed(...args)) as T;
}

export async function succeed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await graft(...args);
  if (code !== 0) throw new Error(`graft ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

/** An empty folder that is gone after the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'graft-parity-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface TrainerState {
  readonly global_step: number;
  readonly max_steps: number;
  readonly epoch: number;
  readonly log_history: readonly Readonly<Record<string, number>>[];
}

export function trainerState(output: string): TrainerState {
  return JSON.parse(readFileSync(join(output, 'trainer_state.json'), 'utf8')) as TrainerState;
}

/** One figure of every logged optimizer step, in order. */
export function logged(
  state: TrainerState,
  figure: 'loss' | 'grad_norm' | 'learning_rate' | 'reg_loss' | 'step' | 'epoch',
): number[] {
  return state.log_history.filter((entry) => entry['loss'] !== undefined).map((entry) => entry[figure] ?? NaN);
}
