import { UserError } from '../formats/errors.ts';
import { nearest } from './nearest.ts';
import type { ModelDescription, ModuleInfo } from '../models/family.ts';
import { enclosingPaths, modulesNamed, taskHeads } from './savedModules.ts';

export interface TargetFields {
  readonly target_modules: string | readonly string[] | null;
  readonly exclude_modules?: string | readonly string[] | null;
  readonly layers_to_transform?: number | readonly number[] | null;
  readonly layers_pattern?: string | readonly string[] | null;
  /** trained whole, and so not changed by the method too */
  readonly modules_to_save?: string | readonly string[] | null;
}

/** PEFT reads the word in any case. */
export function isAllLinear(targets: unknown): boolean {
  return typeof targets === 'string' && targets.toLowerCase() === 'all-linear';
}

/**
 * The modules that a method changes, as PEFT 0.21 resolves them (tuners_utils.py, check_target_module_exists): a list matches whole
 * path endings, a string is a regular expression over the whole path, 'all-linear' is every linear but the head.
 * Throws a UserError where nothing matches, naming what is there, and where something does that is not a single module.
 */
export function resolveTargets(
  description: ModelDescription,
  fields: TargetFields,
  kinds: readonly ModuleInfo['kind'][],
): ModuleInfo[] {
  const { target_modules: targets } = fields;
  const layers = [fields.layers_to_transform ?? []].flat();
  if (typeof targets === 'string' && layers.length > 0 && !isAllLinear(targets))
    throw new UserError(
      'layers_to_transform cannot be used when target_modules is a regular expression: name the layers in the expression, or give a list of modules.',
    );
  const isNamed = matcher(targets ?? [], description, 'target_modules');
  const isExcluded = matcher(fields.exclude_modules ?? [], description, 'exclude_modules');
  const isSaved = savedMatcher([fields.modules_to_save ?? [], taskHeads(description)].flat());
  const isInLayer = layerMatcher(layers, fields.layers_pattern ?? null);
  // a path that is named in full is a target in whichever layer it lies
  const isTarget = (path: string) =>
    isNamed(path) && (isInLayer(path) || (Array.isArray(targets) && targets.includes(path)));
  const isChanged = (path: string) => isTarget(path) && !isExcluded(path) && !isSaved(path);
  const matched = description.modules.filter(({ path }) => isChanged(path));
  refuseGroups(description, isChanged);
  if (matched.length === 0 && description.modules.some(({ path }) => isTarget(path)))
    throw new UserError(
      'target_modules: exclude_modules and modules_to_save take away all that it matches. Leave one of its modules out of them.',
    );
  const wrong = matched.find(({ kind, isReadWhole }) => isReadWhole === true || !kinds.includes(kind));
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
  if (isAllLinear(targets)) {
    const linears = allLinears(description);
    return (path) => linears.has(path);
  }
  if (typeof targets === 'string') {
    const expression = expressionOf(`^(?:${targets})$`, targets, field);
    return (path) => expression.test(path);
  }
  return (path) => targets.some((target) => path === target || path.endsWith(`.${target}`));
}

/** PEFT knows no task for images, and so takes their head for a linear like any other. What is trained whole for the task stays out. */
function allLinears(description: ModelDescription): ReadonlySet<string> {
  const { modules, task, headPath } = description;
  const heads = taskHeads(description).flatMap((name) => modulesNamed(description, name));
  const leftOut = new Set([...(task === 'IMAGE_CLS' ? [] : [headPath]), ...heads.map(({ path }) => path)]);
  return new Set(modules.flatMap(({ kind, path }) => (kind === 'linear' && !leftOut.has(path) ? path : [])));
}

/** A whole attention or layer is no target: PEFT would refuse the adapter's own target_modules. */
function refuseGroups({ modules }: ModelDescription, isChanged: (path: string) => boolean): void {
  const paths = new Set(modules.map(({ path }) => path));
  const group = modules.flatMap(({ path }) => enclosingPaths(path)).find((path) => !paths.has(path) && isChanged(path));
  if (group === undefined) return;
  const inside = modules
    .find(({ path }) => path.startsWith(`${group}.`))
    ?.path.split('.')
    .at(-1);
  throw new UserError(
    `target_modules matches ${group}, which is a group of modules and not one of them. Name those inside it, such as ${inside}.`,
  );
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
  const expressions = names.map((name) => expressionOf(`^(?:|.*?\\.)${name}\\.(\\d+)\\.`, name, 'layers_pattern'));
  return (path) => {
    const index = expressions.map((expression) => expression.exec(path)?.[1]).find((found) => found !== undefined);
    return index !== undefined && wanted.has(Number(index));
  };
}

/** The value of the first pattern that matches the path or its ending, as PEFT's get_pattern_key does; else the fallback. */
export function patternValue(pattern: Readonly<Record<string, number>>, path: string, fallback: number): number {
  const key = Object.keys(pattern).find((candidate) =>
    expressionOf(`^(.*\\.)?(${candidate})$`, candidate, 'rank_pattern or alpha_pattern').test(path),
  );
  return key === undefined ? fallback : (pattern[key] ?? fallback);
}

/**
 * Of a regular expression as Python spells it: (?i) and named groups.
 * @param written what stands in the field, for the message
 */
export function expressionOf(source: string, written: string, field: string): RegExp {
  const ignoresCase = source.includes('(?i)');
  const spelled = source.replaceAll('(?i)', '').replaceAll('(?P<', '(?<');
  try {
    return new RegExp(spelled, ignoresCase ? 'i' : '');
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
