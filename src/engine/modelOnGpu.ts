import { UserError } from '../formats/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { unreadTensors } from '../models/unreadTensors.ts';
import type { LoadOptions, WeightStore } from '../models/weightStore.ts';
import type { Adapter } from '../peft/method.ts';
import { ParameterSpace } from '../peft/parameterSpace.ts';
import type { LossModel } from '../train/traceLoss.ts';
import type { LoadedModel } from './loadedModel.ts';

/** What a trace of the model with this adapter reads, for training, evaluation and answers alike. */
export function traceable(model: LoadedModel, adapter?: Adapter): LossModel {
  const { description, checkpoint } = model;
  return { description, catalog: checkpoint.catalog, adapter: adapter?.hooks, positions: model.positions };
}

/**
 * The model's weights and a finished adapter's numbers on the GPU, ready for use; without an adapter the base model. Throws a UserError
 * where a base model is asked for whose head nobody has trained yet.
 */
export async function putOnGpu(
  gpu: Gpu,
  model: LoadedModel,
  attached?: { readonly adapter: Adapter; readonly values: ReadonlyMap<string, Float32Array<ArrayBuffer>> },
  options: Omit<LoadOptions, 'without'> = {},
): Promise<{ weights: WeightStore; space: ParameterSpace; traced: LossModel }> {
  const { task, headPath, freshTensors } = model.checkpoint.description;
  if (!attached && freshTensors?.has(`${headPath}.weight`))
    throw new UserError(
      `The model has no head for ${task} yet: it comes with an adapter that was trained for that. Name the adapter.`,
    );
  const without = unreadTensors(model.checkpoint.description, attached?.adapter.hooks);
  const weights = await model.weightsOn(gpu, { ...options, without });
  const space = new ParameterSpace(gpu, attached?.adapter.parameters ?? [], ['parameters']);
  for (const [name, values] of attached?.values ?? []) space.write('parameters', name, values);
  return { weights, space, traced: traceable(model, attached?.adapter) };
}
