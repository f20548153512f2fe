import { parseArgs } from 'node:util';

export const sections = ['page', 'node', 'formats', 'step', 'methods'] as const;
export type Section = (typeof sections)[number];

export interface Arguments {
  readonly sections: readonly Section[];
  /** also the products that take minutes on a software driver */
  readonly all: boolean;
  /** a GGUF file or a Hugging Face folder whose training step is measured beside the sample model's */
  readonly model: string | undefined;
}

export const usage = `npm run bench -- [--only ${sections.join('|')}] [--all] [--model PATH]`;

/** Throws an Error that says what is wrong with the command line. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: { only: { type: 'string' }, all: { type: 'boolean', default: false }, model: { type: 'string' } },
  });
  const only = sections.filter((section) => section === values.only);
  if (values.only !== undefined && only.length === 0)
    throw new Error(`--only ${values.only} is no part of it; ${usage}`);
  return { sections: values.only === undefined ? sections : only, all: values.all, model: values.model };
}

/** Contests take this many rounds after the warm-up. */
export const rounds = 5;
