import { parseArgs, type ParseArgsConfig } from 'node:util';
import { isUserError, UserError } from '../formats/errors.ts';

export interface Command {
  readonly name: string;
  /** what stands after the command's name */
  readonly usage: string;
  readonly help: string;
  /** with a help line for each option */
  readonly options: Readonly<Record<string, OptionShape>>;
  /** how many words stand beside the options */
  readonly positionals: number;
  run(positionals: readonly string[], options: Options): Promise<Result>;
}

export interface OptionShape {
  readonly type: 'string' | 'boolean';
  readonly help: string;
  /** may stand several times */
  readonly multiple?: boolean;
}

/** A figure is one JSON line, a text stands as it is. */
export type Result = Readonly<Record<string, unknown>> | string;

export interface Range {
  readonly least: number;
  /** no limit where it is not given */
  readonly most?: number;
  readonly whole?: boolean;
}

type OptionValue = string | boolean | readonly (string | boolean)[] | undefined;

export class Options {
  constructor(private readonly values: Readonly<Record<string, OptionValue>>) {}

  text(name: string): string | undefined {
    const value = this.values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** Of an option that may stand several times. */
  texts(name: string): string[] {
    const value = this.values[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new UserError(`--${name} is missing. See --help.`);
    return value;
  }

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  number(name: string, fallback: number, range: Range): number {
    return this.optionalNumber(name, range) ?? fallback;
  }

  optionalNumber(name: string, { least, most, whole }: Range): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    const fits = value >= least && value <= (most ?? Number.MAX_VALUE) && (!whole || Number.isInteger(value));
    if (text.trim() === '' || !fits)
      throw new UserError(
        `--${name} ${text} does not work; it must be a ${whole ? 'whole ' : ''}number ${most === undefined ? `of ${least} or more` : `from ${least} to ${most}`}.`,
      );
    return value;
  }

  /** Numbers with commas between them. */
  numbers(name: string): number[] | undefined {
    const text = this.text(name);
    const values = text?.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
    if (values?.some((value) => !Number.isFinite(value)))
      throw new UserError(`--${name} ${text} does not work; it must be numbers with commas between, such as 0.7,0.3.`);
    return values;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = choices.find((choice) => choice === text);
    if (found === undefined)
      throw new UserError(`--${name} ${text} does not work; it must be one of ${choices.join(', ')}.`);
    return found;
  }
}

/** Exit codes: 0 done, 1 failed, 2 bad input. Results go to stdout, all else to stderr. */
export async function runCommand(commands: readonly Command[], args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(overview(commands));
    return name === undefined ? 2 : 0;
  }
  try {
    const command = commands.find((candidate) => candidate.name === name);
    if (!command)
      throw new UserError(`There is no command ${name}. There are ${commands.map((c) => c.name).join(', ')}.`);
    if (rest.includes('--help')) {
      process.stdout.write(helpOf(command));
      return 0;
    }
    const { values, positionals } = parse(command, rest);
    if (positionals.length !== command.positionals)
      throw new UserError(
        `graft ${command.name} ${command.usage} is how it is called. See graft ${command.name} --help.`,
      );
    const result = await command.run(positionals, new Options(values));
    process.stdout.write(`${typeof result === 'string' ? result : JSON.stringify(result)}\n`);
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`graft: ${message.replaceAll('\n', ' ')}\n`);
    if (process.env['GRAFT_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    return isUserError(error) ? 2 : 1;
  }
}

function parse(command: Command, args: readonly string[]) {
  const options: ParseArgsConfig['options'] = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    return { values: values as Record<string, OptionValue>, positionals };
  } catch (cause) {
    throw new UserError(`${cause instanceof Error ? cause.message : String(cause)} See graft ${command.name} --help.`, {
      cause,
    });
  }
}

function overview(commands: readonly Command[]): string {
  const lines = commands.map(({ name, usage, help }) => `  graft ${name} ${usage}\n      ${help}`);
  return `Fine-tuning on your own GPU.\n\n${lines.join('\n')}\n\nEach takes --help.\n`;
}

function helpOf({ name, usage, help, options }: Command): string {
  const lines = Object.entries(options).map(
    ([option, { type, help: text }]) => `  --${option}${type === 'string' ? ' …' : ''}\n      ${text}`,
  );
  return `graft ${name} ${usage}\n\n${help}\n\n${lines.join('\n')}\n`;
}
