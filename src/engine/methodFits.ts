import type { LabelMap } from '../data/labels.ts';
import { UserError } from '../formats/errors.ts';
import { elementCount } from '../formats/tensorEntry.ts';
import type { Checkpoint } from '../models/checkpoint.ts';
import { fileShape } from '../peft/initialize.ts';
import type { Adapter, Method } from '../peft/method.ts';
import { embeddingsKey } from '../peft/prompts/promptAdapter.ts';
import { methods } from '../peft/registry.ts';
import { readFields } from '../peft/schema.ts';
import type { MethodFit } from './api.ts';
import { checkpointForRun } from './checkpointForRun.ts';
import { parameterCounts } from './estimate.ts';
import type { LoadedModel } from './loadedModel.ts';
import { peftTaskType } from './preparedRun.ts';
import type { TaskFields } from './taskModel.ts';

/** Optimizer steps that leave room for what any method spreads over a run, where the run is not known yet. */
export const stepsOfSomeRun = 10_000;

/** How each method with its usual settings would sit on the model, or why it cannot. Reads headers alone. */
export async function methodFits(
  model: LoadedModel,
  task: Pick<TaskFields, 'task_type'>,
  labels: LabelMap | undefined,
): Promise<MethodFit[]> {
  const checkpoint = await checkpointForRun(model, task, labels);
  return methods.map((method) => fitOf(method, checkpoint));
}

type Headers = Pick<Checkpoint, 'name' | 'description' | 'catalog'>;

/** One method on the model that these headers describe. */
export function fitOf(method: Method, { name, description, catalog }: Headers): MethodFit {
  const { peftType } = method;
  try {
    const adapter = method.attach(readFields(method.fields, {}), {
      description,
      baseModelName: name,
      taskType: peftTaskType(description.task),
      totalSteps: stepsOfSomeRun,
    });
    const { trainable: trainableParameters } = parameterCounts(description, adapter);
    return { peftType, trainableParameters, adapterBytes: adapterBytes(adapter, { catalog }) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const reason = error.message;
    // a message about one of its fields begins with the field's name: another value would do
    const setting = method.fields.find((field) => reason.startsWith(`${field.name}: `))?.name;
    return { peftType, trainableParameters: 0, adapterBytes: 0, reason, setting };
  }
}

/** Bytes of the tensors in a finished adapter's file, in f32. */
export function adapterBytes(
  { parameters, baseTensors, forUse }: Adapter,
  { catalog }: Pick<Headers, 'catalog'>,
): number {
  const own = parameters.filter(({ name, isInFile }) => isInFile !== false && name !== embeddingsKey);
  const copied = [...baseTensors.values()].flatMap((tensor) => catalog.get(tensor) ?? []);
  const numbers = [...own.map(fileShape), ...copied.map(({ shape }) => shape)];
  // whatever makes virtual tokens, the file holds what comes out
  const virtual = (forUse ?? { parameters }).parameters.find(({ name }) => name === embeddingsKey);
  return 4 * numbers.reduce((sum, shape) => sum + elementCount(shape), virtual ? elementCount(virtual.shape) : 0);
}
