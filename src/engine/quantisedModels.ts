import { floatFormats } from '../models/quantiseCheckpoint.ts';
import type { Quantisation } from '../quant/quantise.ts';
import type { LoadedModel } from './loadedModel.ts';

const known = new WeakMap<LoadedModel, Map<string, LoadedModel>>();

/**
 * The model on the weights that an adapter was trained on: what is on the GPU stays there from one question to the next, since the same
 * model comes back each time. Weights that are quantised already serve as they are: then they were quantised for it in its place.
 * Throws as quantiseCheckpoint does.
 */
export function onTrainedWeights(model: LoadedModel, quantisation: Quantisation | undefined): LoadedModel {
  if (!quantisation || !hasFloatLinears(model)) return model;
  const variants = known.get(model) ?? new Map<string, LoadedModel>();
  known.set(model, variants);
  const key = JSON.stringify(quantisation);
  const found = variants.get(key) ?? model.quantised(quantisation);
  variants.set(key, found);
  return found;
}

/** Whether the linears of its layers are plain floats, which can be quantised while they are loaded. */
function hasFloatLinears({ checkpoint: { catalog, description } }: LoadedModel): boolean {
  const { modules, headPath, newModules = [] } = description;
  const inner = modules.filter(
    ({ path, kind }) => kind === 'linear' && path !== headPath && !newModules.includes(path),
  );
  return inner.every(({ path }) => floatFormats.includes(catalog.get(`${path}.weight`)?.format ?? 'f32'));
}
