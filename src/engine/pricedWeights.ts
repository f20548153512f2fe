import { UserError } from '../formats/errors.ts';
import { quantiseCatalog } from '../models/quantiseCheckpoint.ts';
import { quantisedFolder } from '../models/quantisedFolder.ts';
import { weightBytes } from '../models/weightStore.ts';
import type { Quantisation } from '../quant/quantise.ts';
import type { Priced, PricedWeights, WeightGroup, WeightsChoice } from './api.ts';
import { bytesBesideWeights, jsonBytes } from './besideWeights.ts';
import type { LoadedModel } from './loadedModel.ts';
import { weightGroups } from './modelCard.ts';
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
  const memory = orReason(
    () => weightBytes({ description, catalog: quantiseCatalog(catalog, description, quantisation) }, positions),
    () => packedReason(model, choice),
  );
  const copy = 'reason' in memory ? memory : orReason(() => copyBytes(model, quantisation));
  return { ...choice, fields, memory, copy };
}

/** Bytes of the files that quantisedCopy makes. Throws a UserError where it cannot. */
function copyBytes(model: LoadedModel, quantisation: Quantisation): number {
  if (model.checkpoint.kind === 'gguf')
    throw new UserError('Only a model folder can be kept quantised, and this model is a GGUF file.');
  const { plan, config } = quantisedFolder(model.quantised(quantisation).checkpoint);
  return plan.byteLength + jsonBytes(config).byteLength + bytesBesideWeights(model.checkpoint);
}

/** That weights are quantised already, for a reader who has no fields to leave out; undefined where they are floats. */
function packedReason({ checkpoint }: LoadedModel, { embeddings }: WeightsChoice): string | undefined {
  const packed = weightGroups(checkpoint).filter(({ isFloat }) => !isFloat);
  const isOuter = ({ role }: WeightGroup): boolean => role === 'embedding' || role === 'head';
  if (!packed.every(isOuter))
    return 'Its weights are quantised already, and rounding them a second time would lose more.';
  const outer = packed.find(isOuter);
  return outer && embeddings ? `They are quantised already (${outer.format}) and stay as they are.` : undefined;
}

/** @param wording of a refusal, where it is worded otherwise than by what refuses */
function orReason(bytes: () => number, wording: () => string | undefined = () => undefined): Priced {
  try {
    return { bytes: bytes() };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { reason: wording() ?? error.message };
  }
}
