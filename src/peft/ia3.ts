import { UserError } from '../formats/errors.ts';
import type { ModuleInfo } from '../models/family.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields, ParameterSpec } from './method.ts';
import { keyPrefix, modulesToSaveField, replacement, savedModules } from './savedModules.ts';
import { booleanField, modulesField } from './schema.ts';
import { expressionOf, resolveTargets } from './targets.ts';
import { tunerFile } from './tunerFile.ts';

/**
 * (IA)³ (Liu et al., arXiv 2205.05638), as PEFT 0.21's tuners/ia3 defines it: a learned vector scales the output of an attention
 * projection, y = l ∘ (W x + b), or the input of a feed-forward one, y = W (l ∘ x) + b.
 */
export const ia3: Method = {
  peftType: 'IA3',
  name: '(IA)³',
  summary:
    'Learns one scaling factor for each channel of the keys, the values and the MLP: a file of kilobytes. Choose it for small data and many adapters; it needs a high learning rate.',
  group: 'scaling',
  learningRate: 3e-3,
  fields: [
    modulesField({ name: 'target_modules', label: 'Target modules', help: 'Which layers are scaled.', default: null }),
    modulesField({
      name: 'feedforward_modules',
      label: 'Scaled at the input',
      help: 'Those of the targets whose input is scaled instead of their output.',
      default: null,
      advanced: true,
    }),
    modulesField({
      name: 'exclude_modules',
      label: 'Except modules',
      help: 'Targets to leave out.',
      default: null,
      advanced: true,
    }),
    booleanField({
      name: 'init_ia3_weights',
      label: 'Start at one',
      help: 'Starts every factor at 1, so that training begins with the model as it is.',
      default: true,
      advanced: true,
    }),
    modulesToSaveField,
  ],
  attach,
  merge(adapter, parameters, target) {
    const factors = parameters.get(`${keyPrefix}${target.modulePath}.ia3_l`);
    if (!factors) return undefined;
    const [out = 0, inFeatures = 1] = target.shape;
    const scalesInput = adapter.parameters.some(
      (p) => p.name === `${keyPrefix}${target.modulePath}.ia3_l` && p.shapeInFile?.[0] === 1,
    );
    if (target.name.endsWith('.bias'))
      return scalesInput ? undefined : target.data.map((x, i) => x * (factors[i] ?? 1));
    return target.data.map(
      (x, i) => x * (factors[scalesInput ? i % inFeatures : Math.floor(i / inFeatures) % Math.max(1, out)] ?? 1),
    );
  },
};

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const { description } = model;
  const defaults = description.defaultTargets['IA3'];
  const targetModules = (fields['target_modules'] ?? defaults?.targetModules ?? null) as string | string[] | null;
  const feedforward = feedforwardNames(
    fields['feedforward_modules'] as string | string[] | null,
    targetModules,
    defaults?.feedforwardModules ?? [],
  );
  const modules = resolveTargets(description, { ...(fields as object), target_modules: targetModules }, ['linear']);
  const scalesInput = new Set(modules.map(({ path }) => path).filter(inputMatcher(feedforward)));
  const saved = savedModules(description, fields['modules_to_save'] as string[] | null);
  const sites = new Map(
    modules.map((module) => [
      module.path,
      parameterOf(module, scalesInput.has(module.path), fields['init_ia3_weights'] === true),
    ]),
  );
  return {
    ...tunerFile('IA3', { ...fields, feedforward_modules: feedforward }, model, { named: targetModules, modules }),
    parameters: [...sites.values(), ...saved.values()],
    hooks: {
      linear: ({ graph }, { module, base }, x) => {
        const spec = sites.get(module.path);
        if (!spec) return base(x);
        const factors = graph.parameter(spec.name, spec.shape);
        const scaled = (value: typeof x) => graph.one('binary', [value, factors], { operator: 'mul' });
        return scalesInput.has(module.path) ? base(scaled(x)) : scaled(base(x));
      },
      replaces: replacement(saved),
    },
  };
}

function parameterOf(module: ModuleInfo, scalesInput: boolean, startsAtOne: boolean): ParameterSpec {
  const width = scalesInput ? module.inFeatures : module.outFeatures;
  return {
    name: `${keyPrefix}${module.path}.ia3_l`,
    shape: [width],
    shapeInFile: scalesInput ? [1, width] : [width, 1],
    initial: startsAtOne ? { kind: 'constant', value: 1 } : { kind: 'normal', std: 1 },
  };
}

/**
 * Which targets scale their input: those named; where none are named, the family's own, also beside targets that are named.
 * PEFT wants a list of them to be a part of a list of targets.
 */
function feedforwardNames(
  given: string | readonly string[] | null,
  targets: string | readonly string[] | null,
  usual: readonly string[],
): string | readonly string[] {
  if (typeof targets === 'string' || targets === null) return given ?? usual;
  if (given === null) return usual.filter((name) => targets.includes(name));
  const stray = typeof given === 'string' ? undefined : given.find((name) => !targets.includes(name));
  if (stray !== undefined)
    throw new UserError(`feedforward_modules: ${stray} is not in target_modules. Add it there or leave it out here.`);
  return given;
}

/** As PEFT's ia3/model.py has it: the whole path by a regular expression, or its ending, within a name too. */
function inputMatcher(feedforward: string | readonly string[]): (path: string) => boolean {
  if (typeof feedforward !== 'string') return (path) => feedforward.some((name) => path.endsWith(name));
  const expression = expressionOf(`^(?:${feedforward})$`, feedforward, 'feedforward_modules');
  return (path) => expression.test(path);
}
