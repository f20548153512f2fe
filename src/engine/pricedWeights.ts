import { UserError } from '../formats/errors.ts';
import { quantiseCatalog } from '../models/quantiseCheckpoint.ts';
import { quantisedFolder } from '../models/quantisedFolder.ts';
import { weightBytes } from '../models/weightStore.ts';
import type { Priced, PricedWeights, WeightsChoice } from './api.ts';
import type { LoadedModel } from './loadedModel.ts';
import { fieldsOfQuantisation, quantisationOfChoice } from './quantisationFields.ts';

const names = ['int8', 'nf4', 'nf4_nested', 'fp4', 'fp4_nested'] as const;

/** Every way to hold the model's weights, with what it takes on the GPU and in the library, or why it cannot be. Reads no weights. */
export function pricedWeights(model: LoadedModel): PricedWeights[] {
  const choices: WeightsChoice[] = [
    { name: 'stored', embeddings: false },
    ...names.flatMap((name) => [false, true].map((embeddings) => ({ name, embeddings }))),
  ];
  return choices.map((choice) => priced(model, choice));
}

function priced(model: LoadedModel, choice: WeightsChoice): PricedWeights {
  const { checkpoint, positions } = model;
  const { catalog, description } = checkpoint;
  const quantisation = quantisationOfChoice(choice);
  const fields = fieldsOfQuantisation(quantisation);
  if (!quantisation) return { ...choice, fields, memory: { bytes: weightBytes(checkpoint, positions) } };
  const memory = orReason(() =>
    weightBytes({ description, catalog: quantiseCatalog(catalog, description, quantisation) }, positions),
  );
  const copy =
    'reason' in memory
      ? memory
      : orReason(() => quantisedFolder(model.quantised(quantisation).checkpoint).plan.byteLength);
  return { ...choice, fields, memory, copy };
}

function orReason(bytes: () => number): Priced {
  try {
    return { bytes: bytes() };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { reason: error.message };
  }
}
