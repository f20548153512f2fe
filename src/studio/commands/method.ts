import type { AdapterSummary, FieldDescription, RunFields, RunSummary } from '../../engine/api.ts';
import { toEngineError } from '../../engine/client.ts';
import { bytesOf, findWeights } from '../logic/weightChoices.ts';
import { composeFields, continuing, settingsOfFields, withFields, withMethod, withValue } from '../logic/settings.ts';
import { goTo } from '../routing.ts';
import { patch, useStudio } from '../state/store.ts';
import { reopenData } from './data.ts';
import { downloadBlob } from './download.ts';
import { engine, showToast } from './engine.ts';
import { refreshEstimate } from './estimate.ts';

/** Another method; a run that would have continued an adapter starts afresh. */
export function chooseMethod(peftType: string): void {
  patch('method', { ...withMethod(useStudio.getState().method, peftType), continued: null });
  refreshEstimate();
}

/** A method with settings that belong to it, or the one that is chosen with other settings. */
export function takeSettings(fields: RunFields, peftType = useStudio.getState().method.peftType): void {
  patch('method', withFields(withMethod(useStudio.getState().method, peftType), fields));
  refreshEstimate();
}

/** The next run goes on from this adapter: with other rows and other settings, but by the adapter's own method and on its weights. */
export async function continueFrom({ id, name }: Pick<AdapterSummary, 'id' | 'name'>): Promise<void> {
  try {
    const settings = await engine().adapterSettings(id);
    const { method, library, quantise } = useStudio.getState();
    const trainedOn = library.adapters.find((adapter) => adapter.id === id)?.weights;
    const weights = trainedOn && findWeights(quantise.choices, trainedOn);
    const fields = weights && bytesOf(weights.memory) !== null ? weights.fields : {};
    const continued = withFields(continuing(method, { id, name, ...settings }), fields);
    patch('method', { ...continued, estimateError: null });
    refreshEstimate();
    goTo('method');
  } catch (thrown) {
    showToast(toEngineError(thrown).message, true);
  }
}

/** The next run starts afresh, by the same method. */
export function startAfresh(): void {
  patch('method', { continued: null });
  refreshEstimate();
}

export function setField(field: FieldDescription, value: unknown): void {
  patch('method', { overrides: withValue(field, value, useStudio.getState().method) });
  refreshEstimate();
}

export function resetSettings(): void {
  patch('method', { overrides: {} });
  refreshEstimate();
}

/** A remedy: what it names changes, the rest stays. */
export function applyFields(fields: RunFields): Promise<void> {
  const { method, data } = useStudio.getState();
  return takeFields({ ...composeFields(method, data.options), ...fields });
}

/** The whole form as a run file or an old run has it; which adapter is continued stays as it is. */
async function takeFields(fields: RunFields): Promise<void> {
  const { method, data } = useStudio.getState();
  const { settings, data: options } = settingsOfFields(fields, method);
  patch('method', settings);
  patch('data', { options });
  refreshEstimate();
  if (data.card) await reopenData();
}

export async function importRunFile(name: string, file: Blob): Promise<void> {
  patch('method', { importError: null });
  try {
    const fields = await engine().yamlToFields(await file.text());
    await reuse(fields);
    showToast(`Took the settings of ${name}.`);
    if (fields['init_adapter'] && !useStudio.getState().method.continued)
      showToast(`The adapter ${String(fields['init_adapter'])} is not in the library, so the run starts afresh.`, true);
  } catch (thrown) {
    patch('method', { importError: toEngineError(thrown) });
  }
}

export async function exportRunFile(): Promise<void> {
  const { method, data } = useStudio.getState();
  try {
    // the library's number of an adapter says nothing outside this browser: its folder is named as it is downloaded
    const named = method.continued && { init_adapter: method.continued.name };
    const text = await engine().fieldsToYaml({ ...composeFields(method, data.options), ...named });
    downloadBlob('run.yaml', new Blob([text], { type: 'application/yaml' }));
  } catch (thrown) {
    showToast(toEngineError(thrown).message, true);
  }
}

/** The form takes over what an old run was started with. */
export async function reuseSettings(run: RunSummary): Promise<void> {
  await reuse(run.fields);
  goTo('method');
}

/** The whole form, and the adapter that the run continued if the library has it. */
async function reuse(fields: RunFields): Promise<void> {
  startAfresh();
  await takeFields(fields);
  const { init_adapter: init } = fields;
  const adapter = useStudio.getState().library.adapters.find(({ id, name }) => id === init || name === init);
  if (adapter) await continueFrom(adapter);
}
