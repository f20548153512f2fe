import type { ModelQuality, QuantiseWork, RunFields, WeightsChoice } from '../../engine/api.ts';
import { toEngineError } from '../../engine/client.ts';
import { bytesOf, findWeights, weightsKey, weightsOfFields } from '../logic/weightChoices.ts';
import { composeFields } from '../logic/settings.ts';
import { track } from '../state/job.ts';
import type { Job } from '../state/job.ts';
import { initialQuantise } from '../state/quantise.ts';
import type { QuantiseState } from '../state/quantise.ts';
import { patch, useStudio } from '../state/store.ts';
import { engine, showToast } from './engine.ts';
import { takeSettings } from './method.ts';

/** The run's fields as the form stands. */
function fieldsNow(): RunFields {
  const { method, data } = useStudio.getState();
  return composeFields(method, data.options);
}

/** The weights that the form asks for. */
export function chosenWeights(): WeightsChoice {
  return weightsOfFields(fieldsNow());
}

/** For a model that was just opened. What was chosen for the one before holds where this one can be quantised so, and is told where not. */
export async function refreshWeights(): Promise<void> {
  void stopQuantising('compare');
  const { card } = useStudio.getState().model;
  const choices = card
    ? await engine()
        .pricedWeights()
        .catch(() => [])
    : [];
  if (useStudio.getState().model.card !== card) return;
  patch('quantise', { ...initialQuantise, choices });
  const chosen = findWeights(choices, chosenWeights());
  if (!chosen || chosen.name === 'stored') return;
  if (bytesOf(chosen.memory) !== null) return void compareWeights();
  chooseStored();
  showToast('This model is trained on as it is: it cannot be quantised as the last one was.');
}

/** The weights as the files have them. */
export function chooseStored(): void {
  takeWeights({ name: 'stored', embeddings: false });
}

/** The form's fields follow, and with them the estimate, the run file and the run; then what it costs is found. */
export function chooseWeights(choice: WeightsChoice): void {
  takeWeights(choice);
  void compareWeights();
}

function takeWeights(choice: WeightsChoice): void {
  const found = findWeights(useStudio.getState().quantise.choices, choice);
  if (found) takeSettings(found.fields);
}

export function setQuantiseJob(name: 'comparing' | 'measuring' | 'keeping'): (job: Job) => void {
  return (job) => patch('quantise', { [name]: job } as Partial<QuantiseState>);
}

/** The errors of the chosen weights, unless they are known. A comparison of others gives way to it. */
export async function compareWeights(): Promise<void> {
  const { model, quantise } = useStudio.getState();
  const choice = chosenWeights();
  const key = weightsKey(choice);
  if (choice.name === 'stored' || key in quantise.errors) return stopQuantising('compare');
  await stopQuantising('compare');
  if (weightsKey(chosenWeights()) !== key) return;
  const fields = findWeights(quantise.choices, choice)?.fields;
  if (!fields) return;
  const found = await track(setQuantiseJob('comparing'), (onProgress) => engine().compareWeights(fields, onProgress));
  if (!found || useStudio.getState().model.card?.id !== model.card?.id) return;
  patch('quantise', { errors: { ...useStudio.getState().quantise.errors, [key]: found } });
}

/** What decides a measurement beside the weights; its findings hold as long as this stays. */
export function qualityKey(): string {
  const { model, data } = useStudio.getState();
  const { seed, batch_size: batchSize } = fieldsNow();
  return JSON.stringify([model.card?.id, data.card?.id, data.card?.evalName, data.options, seed, batchSize]);
}

/** The held-out rows on the weights as they are, where that is not known, and on those that are chosen. */
export async function measureQuality(): Promise<void> {
  const key = qualityKey();
  const chosen = chosenWeights();
  const measured = await track(setQuantiseJob('measuring'), async (onProgress) => {
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
