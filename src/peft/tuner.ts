import { UserError } from '../formats/errors.ts';
import type { ModuleInfo } from '../models/family.ts';
import type { Adapter, CheckpointFacts, MethodFields } from './method.ts';
import { keyPrefix, modulesToSaveField, replacement, savedModules, taskHeads, trainedTensor } from './savedModules.ts';
import type { TrainedTensors } from './savedModules.ts';
import { choiceField, integersField, modulesField, type FieldSchema } from './schema.ts';
import { resolveTargets } from './targets.ts';
import { tunerFile } from './tunerFile.ts';

/** Which modules a method changes: the fields that PEFT's tuners share. */
export const targetFields: readonly FieldSchema[] = [
  modulesField({
    name: 'target_modules',
    label: 'Target modules',
    help: 'Which layers are changed; attention and MLP together learn more than attention alone.',
    default: null,
  }),
  modulesField({
    name: 'exclude_modules',
    label: 'Except modules',
    help: 'Targets to leave out.',
    default: null,
    advanced: true,
  }),
  integersField({ name: 'layers_to_transform', label: 'Layers', help: 'Only these layers, counted from 0.' }),
  modulesField({
    name: 'layers_pattern',
    label: 'Name of the layer list',
    help: 'Needed only where the layers are not in the usual place.',
    default: null,
    advanced: true,
  }),
  modulesToSaveField,
];

/** @param own PEFT's word for "those of the targets", such as 'oft_only' */
export function biasField(own: string): FieldSchema {
  return choiceField({
    name: 'bias',
    label: 'Train biases',
    help: 'none; all biases of the model; or those of the target modules.',
    default: 'none',
    choices: ['none', 'all', own],
    advanced: true,
  });
}

/** What every tuner has beside its own parameters. */
export interface Tuner {
  readonly modules: readonly ModuleInfo[];
  /** modules trained whole and biases */
  readonly trained: TrainedTensors;
  readonly replaces: ReturnType<typeof replacement>;
  readonly file: Pick<Adapter, 'peftType' | 'config' | 'baseTensors' | 'ignoresKey'>;
}

/**
 * The modules (linears, where `kinds` says no more) that `targetFields` name, the tensors trained whole, and what lies in the file for
 * every method. Where no target is named they are the family's for this method, else those of LoRA, as in PEFT's constants.py.
 * @param heads of the task, that are trained whole
 */
export function attachTuner(
  peftType: string,
  fields: MethodFields,
  model: CheckpointFacts,
  kinds: readonly ModuleInfo['kind'][] = ['linear'],
  heads = taskHeads(model.description),
): Tuner {
  const { description } = model;
  const { defaultTargets } = description;
  const usual = (defaultTargets[peftType] ?? defaultTargets['LORA'])?.targetModules ?? null;
  const named = (fields['target_modules'] ?? usual) as string | string[] | null;
  const modules = resolveTargets(description, { ...(fields as object), target_modules: named }, kinds);
  const saved = savedModules(description, fields['modules_to_save'] as string[] | null, heads);
  const clash = modules.find((module) => saved.has(`${module.path}.weight`));
  if (clash) throw new UserError(`${clash.path} is in target_modules and in modules_to_save. Leave it in one of them.`);
  const trained = new Map([...saved, ...trainedBiases(fields['bias'], description.modules, modules)]);
  return {
    modules,
    trained,
    replaces: replacement(trained),
    file: tunerFile(peftType, fields, model, { named, modules }, heads),
  };
}

/** bias "all": every bias of the model; "…_only": those of the targets. On a target the saved name gains base_layer. */
function trainedBiases(bias: unknown, modules: readonly ModuleInfo[], targets: readonly ModuleInfo[]): TrainedTensors {
  if (bias === undefined || bias === 'none') return new Map();
  const paths = new Set(targets.map(({ path }) => path));
  return new Map(
    modules
      .filter(({ path, hasBias }) => hasBias && (bias === 'all' || paths.has(path)))
      .map(({ path, outFeatures }) => {
        const key = `${keyPrefix}${path}${paths.has(path) ? '.base_layer' : ''}.bias`;
        return [`${path}.bias`, trainedTensor(`${path}.bias`, [outFeatures], key)];
      }),
  );
}

/** LoHa's and its kin's: PEFT has no version of them for Transformers' Conv1D. */
export function refuseConv1d(name: string, { modules }: Tuner): void {
  const wrong = modules.find(({ isConv1d }) => isConv1d === true);
  if (wrong)
    throw new UserError(
      `target_modules matches ${wrong.path}, a Conv1D, and PEFT's ${name} changes Linear layers only. Choose LoRA, DoRA or (IA)³ for this model.`,
    );
}

/** Throws a UserError where a rank is more than a layer has room for. */
export function refuseWideRank(field: string, rank: number, { path, inFeatures, outFeatures }: ModuleInfo): void {
  if (rank > Math.max(inFeatures, outFeatures))
    throw new UserError(
      `${field}: ${rank} is above the layer's width: ${path} is [${outFeatures}, ${inFeatures}]. Give ${Math.min(inFeatures, outFeatures)} or less.`,
    );
}
