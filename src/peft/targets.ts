import { UserError } from '../formats/errors.ts';
import { nearest } from './nearest.ts';
import type { ModelDescription, ModuleInfo } from '../models/family.ts';
import { taskHeads } from './savedModules.ts';

export interface TargetFields {
  readonly target_modules: string | readonly string[] | null;
  readonly exclude_modules?: string | readonly string[] | null;
  readonly layers_to_transform?: number | readonly number[] | null;
  readonly layers_pattern?: string | readonly string[] | null;
  /** trained whole, and so not changed by the method too */
  readonly modules_to_save?: string | readonly string[] | null;
}

/**
 * The modules that a method changes, as PEFT 0.21 resolves them (tuners_utils.py, check_target_module_exists): a list matches whole
 * path endings, a string is a regular expression over the whole path, 'all-linear' is every linear but the head.
 * Throws a UserError where nothing matches, naming what is there.
 */
export function resolveTargets(
  description: ModelDescription,
  fields: TargetFields,
  kinds: readonly ModuleInfo['kind'][],
): ModuleInfo[] {
  const { target_modules: targets } = fields;
  const layers = [fields.layers_to_transform ?? []].flat();
  if (typeof targets === 'string' && layers.length > 0 && targets !== 'all-linear')
    throw new UserError(
      'layers_to_transform cannot be used when target_modules is a regular expression: name the layers in the expression, or give a list of modules.',
    );
  const isTarget = matcher(targets ?? [], description, 'target_modules');
  const isExcluded = matcher(fields.exclude_modules ?? [], description, 'exclude_modules');
  const isSaved = savedMatcher([fields.modules_to_save ?? [], taskHeads(description)].flat());
  const isInLayer = layerMatcher(layers, fields.layers_pattern ?? null);
  const matched = description.modules.filter(
    ({ path }) => isTarget(path) && !isExcluded(path) && !isSaved(path) && isInLayer(path),
  );
  if (matched.length === 0 && description.modules.some(({ path }) => isTarget(path) && isInLayer(path)))
    throw new UserError(
      'target_modules: exclude_modules and modules_to_save take away all that it matches. Leave one of its modules out of them.',
    );
  const wrong = matched.find((module) => !kinds.includes(module.kind));
  if (wrong)
    throw new UserError(
      `target_modules matches ${wrong.path} (${wrong.kind}), which this method cannot change. Target ${kinds.join(' or ')} modules only.`,
    );
  if (matched.length === 0) throw new UserError(nothingMatches(description, fields));
  return matched;
}

/** "q_proj" in ["q_proj"], "…self_attn.q_proj" ending in ".q_proj", or the regular expression over the whole path. */
function matcher(
  targets: string | readonly string[],
  description: ModelDescription,
  field: string,
): (path: string) => boolean {
  if (targets === 'all-linear') {
    // PEFT knows no task for images, and so takes their head for a linear like any other
    const leftOut = description.task === 'IMAGE_CLS' ? undefined : description.headPath;
    const linears = new Set(
      description.modules.filter((m) => m.kind === 'linear' && m.path !== leftOut).map((m) => m.path),
    );
    return (path) => linears.has(path);
  }
  if (typeof targets === 'string') {
    const expression = expressionOf(`^(?:${targets})$`, targets, field);
    return (path) => expression.test(path);
  }
  return (path) => targets.some((target) => path === target || path.endsWith(`.${target}`));
}

/** The modules of these names and what is inside them. */
function savedMatcher(names: readonly string[]): (path: string) => boolean {
  const expressions = names.map((name) => expressionOf(`^(.*\\.)?${name}($|\\..*)`, name, 'modules_to_save'));
  return (path) => expressions.some((expression) => expression.test(path));
}

function layerMatcher(
  layers: readonly number[],
  pattern: string | readonly string[] | null,
): (path: string) => boolean {
  if (layers.length === 0) return () => true;
  const wanted = new Set(layers);
  const names = pattern === null || pattern.length === 0 ? ['[^.]+'] : [pattern].flat();
  return (path) =>
    names.some((name) => {
      const index = expressionOf(`^(?:|.*?\\.)${name}\\.(\\d+)\\.`, name, 'layers_pattern').exec(path)?.[1];
      return index !== undefined && wanted.has(Number(index));
    });
}

/** The value of the first pattern that matches the path or its ending, as PEFT's get_pattern_key does; else the fallback. */
export function patternValue(pattern: Readonly<Record<string, number>>, path: string, fallback: number): number {
  const key = Object.keys(pattern).find((candidate) =>
    expressionOf(`^(.*\\.)?(${candidate})$`, candidate, 'rank_pattern or alpha_pattern').test(path),
  );
  return key === undefined ? fallback : (pattern[key] ?? fallback);
}

/** @param written what stands in the field, for the message */
export function expressionOf(source: string, written: string, field: string): RegExp {
  try {
    return new RegExp(source);
  } catch (cause) {
    throw new UserError(`${field}: "${written}" is not a regular expression. Mend it, or give names of modules.`, {
      cause,
    });
  }
}

function nothingMatches(description: ModelDescription, fields: TargetFields): string {
  const names = [
    ...new Set(description.modules.filter((m) => m.kind === 'linear').map((m) => m.path.split('.').at(-1) ?? m.path)),
  ];
  const asked = [fields.target_modules ?? []].flat();
  const isKnown = asked.some((name) => names.includes(name));
  const suggestion = isKnown ? undefined : asked.map((name) => nearest(name, names)).find((name) => name !== undefined);
  const layers =
    fields.layers_to_transform == null
      ? ''
      : ` in layers ${[fields.layers_to_transform].flat().join(', ')} (there are ${description.numHiddenLayers}, counted from 0)`;
  return `target_modules: nothing in this model is named ${asked.join(', ') || '(nothing)'}${layers}. ${suggestion ? `Did you mean ${suggestion}? ` : ''}There are ${names.join(', ')}.`;
}
