import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../formats/errors.ts';
import { commands as graft } from './commands.ts';
import { runCommand, type Command } from './run.ts';

const written = { stdout: '', stderr: '' };

beforeEach(() => {
  for (const name of ['stdout', 'stderr'] as const) {
    written[name] = '';
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      written[name] += String(chunk);
      return true;
    });
  }
});
afterEach(() => vi.restoreAllMocks());

const echo: Command = {
  name: 'echo',
  usage: 'WORD [--loud]',
  help: 'Says a word.',
  options: { loud: { type: 'boolean', help: 'Says it loudly.' }, times: { type: 'string', help: 'How often.' } },
  positionals: 1,
  run: ([word = ''], options) => {
    if (word === 'rude') throw new UserError('echo does not say that.\nSay something else.');
    if (word === 'crash') throw new Error('a defect');
    const times = options.number('times', 1, { least: 1, most: 3, whole: true });
    return Promise.resolve({ word: options.flag('loud') ? word.toUpperCase() : word, times });
  },
};

const run = (...args: string[]) => runCommand([echo], args);

describe('a command', () => {
  it('writes its result to stdout, one JSON line, and ends with 0', async () => {
    expect(await run('echo', 'hello', '--loud', '--times', '2')).toBe(0);
    expect(written).toEqual({ stdout: '{"word":"HELLO","times":2}\n', stderr: '' });
  });

  it.each([
    [['echo', 'rude'], 2, 'graft: echo does not say that. Say something else.\n'],
    [['echo', 'crash'], 1, 'graft: a defect\n'],
  ])('that fails says so in one line: %o', async (args, code, line) => {
    expect(await run(...args)).toBe(code);
    expect(written).toEqual({ stdout: '', stderr: line });
  });

  it.each([
    [['ech', 'hello'], /There is no command ech\. .*echo/],
    [['echo'], /graft echo WORD/],
    [['echo', 'a', 'b'], /graft echo WORD/],
    [['echo', 'a', '--quiet'], /--quiet.*See graft echo --help/],
    [['echo', 'a', '--times', 'many'], /--times many does not work/],
    [['echo', 'a', '--times', '4'], /from 1 to 3/],
    [['echo', 'a', '--times', '1.5'], /whole number/],
  ])('is refused with exit code 2 where it is called wrongly: %o', async (args, message) => {
    expect(await run(...args)).toBe(2);
    expect(written.stdout).toBe('');
    expect(written.stderr).toMatch(message);
    expect(written.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('explains itself', async () => {
    expect(await run('echo', '--help')).toBe(0);
    expect(written.stdout).toMatch(/graft echo WORD[^]*--times[^]*How often\./);
  });
});

describe('graft', () => {
  it('lists its commands, with exit code 0 where it was asked to', async () => {
    expect(await runCommand(graft, ['--help'])).toBe(0);
    for (const name of ['train', 'eval', 'generate', 'logits', 'merge', 'blend', 'convert', 'estimate', 'inspect'])
      expect(written.stdout).toContain(`graft ${name} `);
    expect(await runCommand(graft, [])).toBe(2);
  });

  it.each(graft.map(({ name }) => name))('explains %s with each of its options', async (name) => {
    expect(await runCommand(graft, [name, '--help'])).toBe(0);
    for (const option of Object.keys(graft.find((command) => command.name === name)?.options ?? {}))
      expect(written.stdout).toContain(`--${option}`);
  });
});
