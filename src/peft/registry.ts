import { UserError } from '../formats/errors.ts';
import { ia3 } from './ia3.ts';
import { lora } from './lora.ts';
import type { Method } from './method.ts';
import { nearest } from './nearest.ts';

/** Every method: the form, the YAML reader and the tests all read this list. Adding one is its file and a line here. */
export const methods: readonly Method[] = [lora, ia3];

/** Throws a UserError that names what is there. */
export function methodOf(peftType: unknown): Method {
  const wanted = String(peftType).toUpperCase();
  const method = methods.find((candidate) => candidate.peftType === wanted);
  if (method) return method;
  const names = methods.map((candidate) => candidate.peftType);
  const suggestion = nearest(wanted, names);
  throw new UserError(
    `peft_type "${String(peftType)}" is not one of Graft's methods. ${suggestion ? `Did you mean ${suggestion}? ` : ''}There are ${names.join(', ')}.`,
  );
}
