import { UserError } from '../formats/errors.ts';
import type { ModelDescription } from '../models/family.ts';
import type { MethodFields } from './method.ts';

/** target_modules as given, else PEFT's for this method on this family. Throws a UserError where it has none. */
export function targetsOf(
  peftType: string,
  fields: MethodFields,
  { defaultTargets, modelType, modules }: ModelDescription,
  kind: 'linear' | 'norm',
): string | readonly string[] {
  const named = fields['target_modules'] ?? defaultTargets[peftType]?.targetModules;
  if (named !== undefined) return named as string | readonly string[];
  const ends = new Set(modules.filter((module) => module.kind === kind).map(({ path }) => path.split('.').at(-1)));
  throw new UserError(
    `target_modules: ${peftType} has no usual targets on a ${modelType} model. Name some of ${[...ends].join(', ')}.`,
  );
}
