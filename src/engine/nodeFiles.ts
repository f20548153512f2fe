import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import * as v from 'valibot';
import { parseDocument } from 'yaml';
import { UserError } from '../formats/errors.ts';

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

function parseRunFile(text: string, path: string): Record<string, unknown> {
  const document = parseDocument(text, { schema: 'core' });
  const [error] = document.errors;
  if (error) throw new UserError(`${path} is not YAML: ${error.message.split('\n')[0] ?? ''}`);
  const fields: unknown = document.toJS();
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw new UserError(`${path} holds no fields. A run file is a list of lines like "model: ./model".`);
  return { ...(fields as Record<string, unknown>) };
}
