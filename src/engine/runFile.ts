import { parseDocument, stringify } from 'yaml';
import { UserError } from '../formats/errors.ts';
import type { RunFields } from './api.ts';

/**
 * The fields that a run file holds, as it spells them and unchecked. Throws a UserError where the text is not YAML, or no list of fields.
 * @param name what a person calls the text
 */
export function parseRunFile(text: string, name: string): Record<string, unknown> {
  const document = parseDocument(text, { schema: 'core' });
  const [error] = document.errors;
  if (error)
    throw new UserError(
      `${name} is not YAML: ${(error.message.split('\n')[0] ?? '').replace(/:$/, '')}. Mend that line.`,
    );
  const fields: unknown = document.toJS();
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw new UserError(`${name} holds no fields. A run file is a list of lines like "model: ./model".`);
  return { ...(fields as Record<string, unknown>) };
}

export function writeRunFile(fields: RunFields): string {
  return stringify(fields);
}
