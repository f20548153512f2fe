import type { OpDefinition } from '../op.ts';
import { matmul } from './matmul.ts';

/** The closed set of ops: everything that a model or a method does lowers to these. One file each. */
const definitions: readonly OpDefinition[] = [matmul];

const byName = new Map(definitions.map((definition) => [definition.name, definition]));

export function opDefinition(name: string): OpDefinition {
  const definition = byName.get(name);
  if (!definition) throw new Error(`There is no op named ${name}.`);
  return definition;
}
