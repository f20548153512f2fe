import { targetsOf } from './defaultTargets.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields, ParameterSpec } from './method.ts';
import { parameterTensor } from './parameters.ts';
import { keyPrefix, modulesToSaveField } from './savedModules.ts';
import { booleanField, modulesField } from './schema.ts';
import { attachTuner, refuseConv1d } from './tuner.ts';

/** BEFT (Huang et al., arXiv 2509.15974), as PEFT 0.21's tuners/beft has it: a learned bias on the output of some linears, y = W x + b + β. */
export const beft: Method = {
  peftType: 'BEFT',
  name: 'BEFT',
  summary:
    'Learns one bias for each channel of the value projections: the smallest file of all tuners, and it costs nothing to run. Choose it for little data; it needs a high learning rate.',
  group: 'scaling',
  learningRate: 3e-3,
  fields: [
    modulesField({
      name: 'target_modules',
      label: 'Target modules',
      help: 'Which layers get a bias; the values’ is the one that pays, by its authors’ measurements.',
      default: null,
    }),
    booleanField({
      name: 'init_weights',
      label: 'Start at zero',
      help: 'Starts every bias at 0, so that training begins with the model as it is.',
      default: true,
      advanced: true,
    }),
    modulesToSaveField,
  ],
  attach,
  merge(_, parameters, { name, modulePath, data }) {
    const added = parameters.get(keyOf(modulePath));
    return added && name.endsWith('.bias') ? data.map((x, i) => x + (added[i] ?? 0)) : undefined;
  },
};

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const targets = targetsOf('BEFT', fields, model.description, 'linear');
  const tuner = attachTuner('BEFT', { ...fields, target_modules: targets }, model);
  refuseConv1d('BEFT', tuner);
  const biases = new Map(
    tuner.modules.map(({ path, outFeatures }): [string, ParameterSpec] => [
      path,
      {
        name: keyOf(path),
        shape: [outFeatures],
        shapeInFile: [1, outFeatures],
        initial: fields['init_weights'] === true ? { kind: 'constant', value: 0 } : { kind: 'normal', std: 1 },
      },
    ]),
  );
  return {
    ...tuner.file,
    parameters: [...biases.values(), ...tuner.trained.values()],
    hooks: {
      linear: ({ graph }, { module, base }, x) => {
        const bias = biases.get(module.path);
        return bias ? graph.one('binary', [base(x), parameterTensor(graph, bias)], { operator: 'add' }) : base(x);
      },
      replaces: tuner.replaces,
    },
  };
}

function keyOf(path: string): string {
  return `${keyPrefix}${path}.beft_bias`;
}
