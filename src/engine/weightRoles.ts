import { neededShapes } from '../models/checkpoint.ts';
import type { ModelDescription, ModuleInfo } from '../models/family.ts';
import type { WeightRole } from './api.ts';

/** What every tensor of the model is there for, by its name. */
export function weightRoles(description: ModelDescription): ReadonlyMap<string, WeightRole> {
  const modules = new Map(description.modules.map((module) => [module.path, module]));
  return new Map(
    [...neededShapes(description).keys()].map((name) => {
      const module = modules.get(name.replace(/\.(weight|bias)$/, ''));
      return [name, module ? roleOf(module, description) : 'embedding'];
    }),
  );
}

/** The norms of an attention are norms, and the table of its relative positions belongs to it. */
function roleOf({ path, kind }: ModuleInfo, { headPath, newModules = [] }: ModelDescription): WeightRole {
  if (path === headPath || newModules.includes(path)) return 'head';
  if (kind === 'norm') return 'norm';
  if (/att(entio)?n/i.test(path)) return 'attention';
  if (kind !== 'linear') return 'embedding';
  return layerOf(path) === null ? 'other' : 'mlp';
}

/** Path of the layer that a module or a tensor lies in: 'model.layers.3'; null outside of layers. */
export function layerOf(path: string): string | null {
  return /^(?:.*?\.)?\d+(?=\.)/.exec(path)?.[0] ?? null;
}
