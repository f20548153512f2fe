import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { UserError } from '../formats/errors.ts';
import type { ModelDescription, ModuleInfo } from '../models/family.ts';
import type { ParameterSpec } from './method.ts';
import { modulesField } from './schema.ts';

/** PEFT's prefix of every key: base_model.model. + module path. */
export const keyPrefix = 'base_model.model.';

/** The field of every method that can train modules whole beside its own parameters. */
export const modulesToSaveField = modulesField({
  name: 'modules_to_save',
  label: 'Modules trained whole',
  help: 'Modules whose own weights are trained and saved, such as lm_head.',
  default: null,
  advanced: true,
});

/** Checkpoint tensors that are trained whole, by their checkpoint name. */
export type TrainedTensors = ReadonlyMap<string, ParameterSpec>;

/**
 * The tensors of the modules that modules_to_save names, by the ending of their path ("norm" takes input_layernorm too, as in PEFT) or of
 * the path of a module around them ("mlp"), and the task's own head: PEFT trains a copy of each and saves it under the module's own name.
 */
export function savedModules(
  description: ModelDescription,
  names: string | readonly string[] | null,
  heads = taskHeads(description),
): TrainedTensors {
  const tensors = new Map<string, ParameterSpec>();
  for (const name of new Set([...[names ?? []].flat(), ...heads])) {
    const modules = modulesNamed(description, name);
    if (modules.length === 0 && !heads.includes(name))
      throw new UserError(
        `modules_to_save: this model has no module named ${name}. The head is ${description.headPath}, the embedding ${description.embeddingPath}.`,
      );
    for (const module of modules)
      for (const tensor of tensorsOf(module))
        tensors.set(tensor.name, trainedOrFresh(description, tensor, `${keyPrefix}${tensor.name}`));
  }
  return tensors;
}

/** The modules whose path, or that of a module around them, ends with this. */
export function modulesNamed({ modules }: ModelDescription, name: string): ModuleInfo[] {
  return modules.filter(({ path }) => enclosingPaths(path).some((around) => around.endsWith(name)));
}

/** What PEFT takes for heads of classifiers. */
export const headNames: readonly string[] = ['classifier', 'score'];

/** Names that PEFT adds to modules_to_save for a task (peft_model.py), and the head of an image classifier that starts afresh. */
export function taskHeads({ task, freshTensors }: ModelDescription): readonly string[] {
  if (task === 'SEQ_CLS' || task === 'TOKEN_CLS') return headNames;
  return task === 'IMAGE_CLS' && freshTensors && freshTensors.size > 0 ? ['classifier'] : [];
}

/** A trained copy of the checkpoint's tensor, or of a new head's: N(0, 0.02), biases 0, as Transformers starts them. */
export function trainedOrFresh(
  { freshTensors }: ModelDescription,
  { name, shape, transposedInFile }: ModuleTensor,
  key: string,
): ParameterSpec {
  const spec = { ...trainedTensor(name, shape, key), transposedInFile };
  if (!freshTensors?.has(name)) return spec;
  return { ...spec, initial: shape.length > 1 ? { kind: 'normal', std: 0.02 } : { kind: 'constant', value: 0 } };
}

/** 'a.b.c' → 'a', 'a.b', 'a.b.c' */
export function enclosingPaths(path: string): string[] {
  const parts = path.split('.');
  return parts.map((_, i) => parts.slice(0, i + 1).join('.'));
}

/** A parameter that starts as the checkpoint's tensor and stands in for it. */
export function trainedTensor(tensorName: string, shape: readonly number[], key: string): ParameterSpec {
  return { name: key, shape, initial: { kind: 'base', tensor: tensorName } };
}

/** The hook "train these base tensors". */
export function replacement(trained: TrainedTensors): (graph: Graph, tensorName: string) => Tensor | undefined {
  return (graph, tensorName) => {
    const spec = trained.get(tensorName);
    return spec && graph.parameter(spec.name, spec.shape);
  };
}

interface ModuleTensor extends Pick<ParameterSpec, 'shape' | 'transposedInFile'> {
  /** in the checkpoint */
  readonly name: string;
}

/** The tensors of a module; the files of PEFT and Transformers hold a Conv1D's weight as [in, out]. */
export function tensorsOf(module: ModuleInfo): ModuleTensor[] {
  const { path, kind, inFeatures, outFeatures } = module;
  const weight =
    kind === 'norm' ? [outFeatures] : kind === 'embedding' ? [inFeatures, outFeatures] : [outFeatures, inFeatures];
  return [
    { name: `${path}.weight`, shape: weight, transposedInFile: module.isConv1d },
    ...(module.hasBias ? [{ name: `${path}.bias`, shape: [outFeatures] }] : []),
  ];
}
