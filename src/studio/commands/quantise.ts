import type { ModelQuality, PricedWeights, QuantiseWork, RunFields, WeightsChoice } from '../../engine/api.ts';
import { toEngineError } from '../../engine/client.ts';
import { bytesOf, findWeights, weightsKey, weightsOfFields } from '../logic/weightChoices.ts';
import { composeFields } from '../logic/settings.ts';
import { initialQuantise } from '../state/quantise.ts';
import type { QuantiseState } from '../state/quantise.ts';
import { patch, useStudio } from '../state/store.ts';
import { settleData } from './data.ts';
import { engine, showToast, trackIn } from './engine.ts';
import { takeSettings } from './method.ts';

/** The run's fields as the form stands. */
function fieldsNow(): RunFields {
  const { method, data } = useStudio.getState();
  return composeFields(method, data.options);
}

/** The weights that the form asks for. */
function chosenWeights(): WeightsChoice {
  return weightsOfFields(fieldsNow());
}

/** For a model that was just opened. What was chosen for the one before holds where this one can be quantised so, and is told where not. */
export async function refreshWeights(): Promise<void> {
  void stopQuantising('compare');
  const { card } = useStudio.getState().model;
  const choices = card ? await pricedWeights() : [];
  if (useStudio.getState().model.card?.id !== card?.id) return; // the card itself is another one when the model is kept
  patch('quantise', { ...initialQuantise, choices });
  const chosen = findWeights(choices, chosenWeights());
  if (!chosen || bytesOf(chosen.memory) !== null) return;
  chooseStored();
  showToast('This model is trained on as it is: it cannot be quantised as the last one was.');
}

async function pricedWeights(): Promise<readonly PricedWeights[]> {
  try {
    return await engine().pricedWeights();
  } catch (thrown) {
    showToast(`What fewer bits would save is not known. ${toEngineError(thrown).message}`, true);
    return [];
  }
}

/** The weights as the files have them. */
export function chooseStored(): void {
  chooseWeights({ name: 'stored', embeddings: false });
}

/** The form's fields follow, and with them the estimate, the run file and the run. */
export function chooseWeights(choice: WeightsChoice): void {
  const found = findWeights(useStudio.getState().quantise.choices, choice);
  if (found) takeSettings(found.fields);
}

/** the last comparison: of the choices of one model, by the key of one of them */
let lastComparison:
  { readonly choices: QuantiseState['choices']; readonly key: string; readonly ended: Promise<unknown> } | undefined;

/** The errors of the chosen weights, unless they are known or being found. A comparison of others gives way to it. */
export async function compareWeights(): Promise<void> {
  const { choices, comparing, errors } = useStudio.getState().quantise;
  const choice = chosenWeights();
  const key = weightsKey(choice);
  const fields = findWeights(choices, choice)?.fields;
  const isUnderWay = comparing.busy && lastComparison?.key === key && lastComparison.choices === choices;
  if (!fields || choice.name === 'stored' || key in errors || isUnderWay) return;
  const before = lastComparison?.ended;
  const compare = async (): Promise<void> => {
    await stopQuantising('compare');
    await before; // so that its end is not taken for the end of this one
    const isWanted = (): boolean => {
      const { quantise } = useStudio.getState();
      return lastComparison?.key === key && quantise.choices === choices && !(key in quantise.errors);
    };
    if (!isWanted()) return;
    const found = await trackIn('quantise', 'comparing', (onProgress) => engine().compareWeights(fields, onProgress));
    if (!found || !isWanted()) return;
    patch('quantise', { errors: { ...useStudio.getState().quantise.errors, [key]: found } });
  };
  lastComparison = { choices, key, ended: compare() };
  await lastComparison.ended;
}

/** What decides a measurement beside the weights; its findings hold as long as this stays. */
export function qualityKey(): string {
  const { model, data } = useStudio.getState();
  const { seed, batch_size: batchSize } = fieldsNow();
  return JSON.stringify([model.card?.id, data.card?.id, data.options, seed, batchSize]);
}

/** The held-out rows on the weights as they are, where that is not known, and on those that are chosen. */
export async function measureQuality(): Promise<void> {
  await settleData();
  const key = qualityKey();
  const chosen = chosenWeights();
  const measured = await trackIn('quantise', 'measuring', async (onProgress) => {
    for (const choice of [{ name: 'stored', embeddings: false } as const, chosen]) {
      const known = qualityNow(key);
      const priced = findWeights(useStudio.getState().quantise.choices, choice);
      if (!priced || weightsKey(choice) in known) continue;
      const quality = await engine().measureQuality({ ...fieldsNow(), ...priced.fields }, onProgress);
      if (qualityKey() !== key) return false;
      patch('quantise', { quality: { ...qualityNow(key), [weightsKey(choice)]: quality }, qualityOf: key });
    }
    return true;
  });
  if (measured === false) showToast('The rows or settings changed meanwhile: measure again.');
}

function qualityNow(key: string): Readonly<Record<string, ModelQuality>> {
  const { quality, qualityOf } = useStudio.getState().quantise;
  return qualityOf === key ? quality : {};
}

export async function stopQuantising(work: QuantiseWork): Promise<void> {
  await engine()
    .stopQuantising(work)
    .catch((thrown: unknown) => showToast(toEngineError(thrown).message, true));
}
