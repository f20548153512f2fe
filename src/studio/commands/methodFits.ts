import { isActive } from '../logic/readiness.ts';
import { composeFields } from '../logic/settings.ts';
import type { Settings } from '../logic/settings.ts';
import { patch, useStudio } from '../state/store.ts';
import { engine } from './engine.ts';

/** Asks how each method would sit on the open model; without one nothing is known. */
export async function refreshMethodFits(): Promise<void> {
  const { model, data } = useStudio.getState();
  const fits = model.card
    ? await engine()
        .methodFits(data.options.taskType)
        .catch(() => [])
    : [];
  if (useStudio.getState().model.card?.id === model.card?.id) patch('method', { fits });
}

/** Prices the run by other methods with their usual settings, one after the other, as long as they are the ones on screen. */
export async function compareMemory(peftTypes: readonly string[], signal: AbortSignal): Promise<void> {
  for (const peftType of peftTypes) {
    const key = runKey();
    // planning would take time from a run
    if (key === undefined || signal.aborted || isActive(useStudio.getState().run.status)) return;
    const { method, data } = useStudio.getState();
    const known = method.memoryKey === key ? method.memory : {};
    if (peftType in known) continue;
    const estimate = await engine()
      .estimate(composeFields(usual(method, peftType), data.options))
      .catch(() => null);
    if (signal.aborted || runKey() !== key) return;
    const { memory, memoryKey } = useStudio.getState().method;
    const before = memoryKey === key ? memory : {};
    const ratio = estimate?.loraTotal ? { [peftType]: estimate.total / estimate.loraTotal } : {};
    patch('method', { memory: { ...before, ...ratio }, memoryKey: key });
  }
}

/** What decides a run's memory beside its method; undefined while there is nothing to train. */
export function runKey(): string | undefined {
  const { model, data, method } = useStudio.getState();
  if (!model.card || !data.card) return undefined;
  return JSON.stringify([model.card.id, data.card.id, data.options, usual(method, '').overrides]);
}

/** The form with another method as it comes; the settings of the run stay. */
function usual(settings: Settings, peftType: string): Settings {
  const names = new Set(settings.methods.flatMap(({ fields }) => fields.map(({ name }) => name)));
  const overrides = Object.fromEntries(Object.entries(settings.overrides).filter(([name]) => !names.has(name)));
  return { ...settings, peftType, overrides, continued: null };
}
