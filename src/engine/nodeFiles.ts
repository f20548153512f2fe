import { mkdir, readFile, realpath, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { UserError } from '../formats/errors.ts';
import { parseRunFile } from './runFile.ts';

export { openPath, writeFolder, fileSource } from '../formats/nodeFiles.ts';

/** A run file: its fields, with the paths in it made absolute (they are relative to the file). */
export async function readRunFile(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new UserError(`${path} cannot be read. Give the path of a run file.`, { cause });
  }
  const fields = parseRunFile(text, path);
  for (const name of [
    'model',
    'model_name_or_path',
    'dataset',
    'eval_dataset',
    'val_dataset',
    'init_adapter',
    'adapter_name_or_path',
  ]) {
    const value = fields[name];
    if (typeof value === 'string' && value !== '') fields[name] = resolve(dirname(path), value);
  }
  return fields;
}

/** The model that a run file names. */
export function modelPathOf(fields: Readonly<Record<string, unknown>>): string {
  const path = fields['model'] ?? fields['model_name_or_path'];
  if (typeof path !== 'string' || path === '')
    throw new UserError('model: no model is named. Give the path of a folder or a GGUF file.');
  return path;
}

/** What is done with the files at a path: a UserError from it says which path it is about. */
export async function at<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof UserError) || error.message.includes(path)) throw error;
    throw new UserError(`${path}: ${error.message}`, { cause: error });
  }
}

/**
 * Makes sure that a folder can be written before hours are spent on what goes into it. Returns what takes it away again where it was
 * made now and nothing was put into it.
 */
export async function claimFolder(path: string): Promise<() => Promise<void>> {
  try {
    const made = await mkdir(path, { recursive: true });
    const probe = join(path, `.graft-${process.pid}`);
    await writeFile(probe, '');
    await rm(probe);
    return async () => {
      if (made !== undefined) await rmdir(path).catch(() => undefined); // not empty: it holds what the run has written
    };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    const why = code === 'EEXIST' || code === 'ENOTDIR' ? 'it is a file, or lies under one' : code;
    throw new UserError(`${path} cannot be made a folder to write to (${why}). Choose another --output.`, { cause });
  }
}

/** Throws a UserError where a command would write into a folder that it reads from. An input that is not there is for its reader to refuse. */
export async function refuseToOverwrite(output: string, inputs: readonly string[]): Promise<void> {
  const target = await realpath(output);
  for (const input of inputs)
    if ((await realpath(input).catch(() => undefined)) === target)
      throw new UserError(`--output ${output} is the folder that is read from. Choose another.`);
}

/** A conversation: a JSON list of {"role", "content"}. */
export async function readMessages(path: string): Promise<{ role: string; content: string }[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UserError(`${path} cannot be read. Give the path of a JSON file of messages.`, { cause });
  });
  try {
    return v.parse(v.array(v.object({ role: v.string(), content: v.string() })), JSON.parse(text));
  } catch (cause) {
    throw new UserError(`${path} is not a JSON list of {"role", "content"}.`, { cause });
  }
}
