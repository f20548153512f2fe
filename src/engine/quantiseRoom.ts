import { yieldToEventLoop } from '../data/yieldToEventLoop.ts';
import { UserError } from '../formats/errors.ts';
import { quantisedWeights } from '../models/quantiseCheckpoint.ts';
import type {
  ModelCard,
  ModelQuality,
  OnProgress,
  PricedWeights,
  QuantiseWork,
  RunFields,
  WeightError,
} from './api.ts';
import { Cancellable } from './cancellable.ts';
import type { DataRoom } from './dataRoom.ts';
import type { LoadedModel } from './loadedModel.ts';
import type { Machine } from './machine.ts';
import { measureQuality } from './modelQuality.ts';
import type { ModelRoom } from './modelRoom.ts';
import { splitData } from './preparedData.ts';
import { pricedWeights } from './pricedWeights.ts';
import { quantisationErrors } from './quantisationErrors.ts';
import { quantisationOf } from './quantisationFields.ts';
import { onTrainedWeights } from './quantisedModels.ts';
import { describeRun } from './runFields.ts';
import { layerOf, weightRoles } from './weightRoles.ts';

/** What quantising the open model saves, what it costs, and a quantised copy of it in the library. */
export class QuantiseRoom {
  readonly #machine: Machine;
  readonly #models: ModelRoom;
  readonly #data: DataRoom;
  readonly #works: Readonly<Record<QuantiseWork, Cancellable>> = {
    compare: new Cancellable(),
    measure: new Cancellable(),
    keep: new Cancellable(),
  };

  constructor(machine: Machine, models: ModelRoom, data: DataRoom) {
    this.#machine = machine;
    this.#models = models;
    this.#data = data;
  }

  choices(): PricedWeights[] {
    return pricedWeights(this.#models.current.model);
  }

  /** What the run's fields do to each weight, in the order of the model. A comparison under way gives way to it. */
  compare(fields: RunFields, onProgress: OnProgress): Promise<WeightError[]> {
    const { model } = this.#models.current;
    return this.#works.compare.run((signal) => compareWeights(model, fields, onProgress, signal));
  }

  /** The held-out rows on the weights that the run's fields ask for. A measurement under way gives way to it. */
  measure(fields: RunFields, onProgress: OnProgress): Promise<ModelQuality> {
    const { model } = this.#models.current;
    const { data, evaluation } = this.#data.current;
    const run = describeRun(fields);
    const { evalRows } = splitData(data, evaluation, run.fields['val_split_ratio'] as number, run.training.seed);
    const heldOut = { rows: evalRows, labels: data.labels };
    return this.#works.measure.run(async (signal) => {
      const gpu = await this.#machine.gpu();
      const measured = onTrainedWeights(model, run.quantisation);
      return Promise.race([measureQuality(gpu, measured, run, heldOut, onProgress, signal), this.#machine.lost]);
    });
  }

  /** A quantised copy in the library, which is then the open model. */
  keep(fields: RunFields, replaces: boolean, onProgress: OnProgress): Promise<ModelCard> {
    const quantisation = quantisationOf(fields);
    if (!quantisation) throw new UserError('Choose how to quantise the model first: as it is it can be kept whole.');
    return this.#works.keep.run((signal) => this.#models.keepQuantised(quantisation, replaces, onProgress, signal));
  }

  cancel(work: QuantiseWork): Promise<void> {
    return this.#works[work].cancel();
  }

  /** Makes way for what needs the GPU. Throws a UserError while a copy is being written, which opens when it is done. */
  async settle(): Promise<void> {
    if (this.#works.keep.isBusy)
      throw new UserError('A quantised copy is being written. Wait for its end, or stop it on the Model screen.');
    await this.#works.measure.cancel();
  }
}

async function compareWeights(
  { checkpoint }: LoadedModel,
  fields: RunFields,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<WeightError[]> {
  const quantisation = quantisationOf(fields);
  if (!quantisation) return [];
  const { description, catalog } = checkpoint;
  const total = quantisedWeights(description, catalog, quantisation).size;
  const roles = weightRoles(description);
  const found: WeightError[] = [];
  for await (const { name, relativeError } of quantisationErrors(checkpoint, quantisation, signal)) {
    found.push({ name, layer: layerOf(name), role: roles.get(name) ?? 'other', relativeError });
    onProgress({ phase: 'compare', done: found.length, total, unit: 'weights' });
    await yieldToEventLoop();
  }
  return found;
}
