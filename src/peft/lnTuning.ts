import { targetsOf } from './defaultTargets.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields } from './method.ts';
import { keyPrefix, modulesToSaveField, replacement, tensorsOf, trainedTensor } from './savedModules.ts';
import { modulesField } from './schema.ts';
import { attachTuner } from './tuner.ts';

/** LayerNorm tuning (Zhao et al., arXiv 2312.11420), as PEFT 0.21's tuners/ln_tuning has it: the norms' own weights and biases are trained. */
export const lnTuning: Method = {
  peftType: 'LN_TUNING',
  name: 'LayerNorm tuning',
  summary:
    'Trains the weights of the norms and nothing else: a file of kilobytes. Choose it to move a model a little, such as to another style or domain; it needs a high learning rate.',
  group: 'scaling',
  learningRate: 1e-3,
  fields: [
    modulesField({ name: 'target_modules', label: 'Target modules', help: 'Which norms are trained.', default: null }),
    modulesField({
      name: 'exclude_modules',
      label: 'Except modules',
      help: 'Targets to leave out.',
      default: null,
      advanced: true,
    }),
    modulesToSaveField,
  ],
  attach,
  // the trained tensors take the place of the model's own
  merge: () => undefined,
};

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const targets = targetsOf('LN_TUNING', fields, model.description, 'norm');
  const tuner = attachTuner('LN_TUNING', { ...fields, target_modules: targets }, model, ['norm']);
  const norms = new Map(
    tuner.modules.flatMap((module) =>
      tensorsOf(module).map(({ name, shape }) => {
        const key = `${keyPrefix}${module.path}.ln_tuning_layers${name.slice(module.path.length)}`;
        return [name, trainedTensor(name, shape, key)] as const;
      }),
    ),
  );
  const trained = new Map([...norms, ...tuner.trained]);
  return { ...tuner.file, parameters: [...trained.values()], hooks: { replaces: replacement(trained) } };
}
