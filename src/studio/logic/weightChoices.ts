import type {
  AdapterSummary,
  DataCard,
  ModelCard,
  Priced,
  PricedWeights,
  RunFields,
  WeightsChoice,
  WeightsName,
} from '../../engine/api.ts';
import { isFloatModel, mainFormat } from './packing.ts';
import { isClassifierTask } from './tasks.ts';

interface WeightsText {
  readonly title: string;
  /** what a column or a list calls it */
  readonly label: string;
  readonly summary: string;
  /** relative error of weights that are distributed along a bell curve, as they nearly are */
  readonly usualError: number;
}

const texts: Readonly<Record<Exclude<WeightsName, 'stored'>, WeightsText>> = {
  int8: {
    title: '8 bits',
    label: 'INT8',
    summary: 'A scale for each row: hardly anything is lost.',
    usualError: 0.008,
  },
  nf4: {
    title: '4 bits, NF4',
    label: 'NF4',
    summary: 'Its levels lie where weights are dense.',
    usualError: 0.092,
  },
  nf4_nested: {
    title: '4 bits, NF4 double quantised',
    label: 'NF4, double quantised',
    summary: 'NF4 with its scales in 8 bits, too: what QLoRA takes.',
    usualError: 0.092,
  },
  fp4: {
    title: '4 bits, FP4',
    label: 'FP4',
    summary: 'As small as NF4 and less exact.',
    usualError: 0.122,
  },
  fp4_nested: {
    title: '4 bits, FP4 double quantised',
    label: 'FP4, double quantised',
    summary: 'FP4 with its scales in 8 bits, too.',
    usualError: 0.122,
  },
};

export function weightsText(card: Pick<ModelCard, 'weights'>, name: WeightsName): Omit<WeightsText, 'usualError'> {
  if (name !== 'stored') return texts[name];
  const format = mainFormat(card);
  const summary = isFloatModel(card) ? `${format}, with nothing taken away.` : `${format}, as its files have it.`;
  return { title: 'As it is', label: format, summary };
}

export function usualError(name: WeightsName): number {
  return name === 'stored' ? 0 : texts[name].usualError;
}

/** The weights that a model computes with, in words: a file that is quantised already stays as it is. */
export function weightsLabel(card: Pick<ModelCard, 'weights'>, { name, embeddings }: WeightsChoice): string {
  const { label } = weightsText(card, isFloatModel(card) ? name : 'stored');
  return embeddings && isFloatModel(card) ? `${label}, embeddings in INT8` : label;
}

/** What the run's fields ask for. Where they contradict each other the engine says so. */
export function weightsOfFields(fields: RunFields): WeightsChoice {
  const embeddings = fields['load_embeddings_in_8bit'] === true;
  if (fields['load_in_8bit'] === true) return { name: 'int8', embeddings };
  if (fields['load_in_4bit'] !== true) return { name: 'stored', embeddings: false };
  const kind = fields['bnb_4bit_quant_type'] === 'nf4' ? 'nf4' : 'fp4';
  return { name: fields['bnb_4bit_use_double_quant'] === true ? `${kind}_nested` : kind, embeddings };
}

/** The weights on which an adapter and the base beside it answer: those that it was trained on, or without one those of the next run. */
export function weightsBeside(adapter: Pick<AdapterSummary, 'weights'> | undefined, fields: RunFields): WeightsChoice {
  if (!adapter) return weightsOfFields(fields);
  return adapter.weights ?? { name: 'stored', embeddings: false };
}

export function weightsKey({ name, embeddings }: WeightsChoice): string {
  return embeddings ? `${name}+embeddings` : name;
}

export function findWeights(choices: readonly PricedWeights[], wanted: WeightsChoice): PricedWeights | undefined {
  return choices.find((choice) => weightsKey(choice) === weightsKey(wanted));
}

/** What the screen offers: FP4 with double quantisation only where the run's fields ask for it. */
export function offeredWeights(
  choices: readonly PricedWeights[],
  { name, embeddings }: WeightsChoice,
): readonly PricedWeights[] {
  const fp4 = name === 'fp4_nested' ? 'fp4_nested' : 'fp4';
  return (['stored', 'int8', 'nf4_nested', 'nf4', fp4] as const).flatMap((offered) => {
    const wanted = { name: offered, embeddings: offered !== 'stored' && embeddings };
    return findWeights(choices, wanted) ?? [];
  });
}

export function bytesOf(priced: Priced | undefined): number | null {
  return priced && 'bytes' in priced ? priced.bytes : null;
}

export function reasonOf(priced: Priced | undefined): string | null {
  return priced && 'reason' in priced ? priced.reason : null;
}

/** The first reason for which nothing but the weights as they are can be had; null where something can. */
export function whyNothing(choices: readonly PricedWeights[]): string | null {
  const reasons = choices.filter(({ name }) => name !== 'stored').map(({ memory }) => reasonOf(memory));
  return reasons.length > 0 && reasons.every((reason) => reason !== null) ? (reasons[0] ?? null) : null;
}

/** What is missing for a measurement on held-out rows, and where it is found; null where nothing is. */
export function whyNotMeasured(
  card: Pick<ModelCard, 'labels'>,
  data: Pick<DataCard, 'evalRows' | 'taskType'> | null,
): string | null {
  if (!data) return 'No data is open. With rows held out, what quantising costs can be measured on them.';
  if (data.evalRows === 0)
    return 'No rows are held out. Hold out a share of them, or open a file of others, to measure on.';
  if (isClassifierTask(data.taskType) && card.labels.length === 0)
    return 'This model has no trained head for the labels yet, so that there is nothing to measure before a run.';
  return null;
}
