import type { FieldDescription, RunFields, RunSummary } from '../../engine/api.ts';
import { toEngineError } from '../../engine/client.ts';
import { composeFields, settingsOfFields, withValue } from '../logic/settings.ts';
import { goTo } from '../routing.ts';
import { patch, useStudio } from '../state/store.ts';
import { reopenData } from './data.ts';
import { downloadBlob } from './download.ts';
import { engine, showToast } from './engine.ts';
import { refreshEstimate } from './estimate.ts';

export function chooseMethod(peftType: string): void {
  patch('method', { peftType });
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

/** The whole form as a run file or an old run has it. */
async function takeFields(fields: RunFields): Promise<void> {
  const { method, data } = useStudio.getState();
  const { settings, data: options } = settingsOfFields(fields, method);
  patch('method', settings);
  patch('data', { options });
  refreshEstimate();
  const { maxLength, lossOn, valSplitRatio } = data.options;
  const same = options.maxLength === maxLength && options.lossOn === lossOn && options.valSplitRatio === valSplitRatio;
  if (data.card && !same) await reopenData();
}

export async function importRunFile(name: string, file: Blob): Promise<void> {
  patch('method', { importError: null });
  try {
    await takeFields(await engine().yamlToFields(await file.text()));
    showToast(`Took the settings of ${name}.`);
  } catch (thrown) {
    patch('method', { importError: toEngineError(thrown) });
  }
}

export async function exportRunFile(): Promise<void> {
  const { method, data } = useStudio.getState();
  try {
    const text = await engine().fieldsToYaml(composeFields(method, data.options));
    downloadBlob('run.yaml', new Blob([text], { type: 'application/yaml' }));
  } catch (thrown) {
    showToast(toEngineError(thrown).message, true);
  }
}

/** The form takes over what an old run was started with. */
export async function reuseSettings(run: RunSummary): Promise<void> {
  await takeFields(run.fields);
  goTo('method');
}
