import type { DataCard, OnRunEvent, RunFields, RunSummary } from '../../engine/api.ts';
import { toEngineError } from '../../engine/client.ts';
import { EventBatch } from '../logic/eventBatch.ts';
import { metricLog } from '../logic/metricLog.ts';
import { isActive } from '../logic/readiness.ts';
import { afterEvent, noRun } from '../logic/runProgress.ts';
import type { RunProgress } from '../logic/runProgress.ts';
import { composeFields } from '../logic/settings.ts';
import { goTo } from '../routing.ts';
import { patch, useStudio } from '../state/store.ts';
import { showSome } from './data.ts';
import { engine, showToast } from './engine.ts';
import { refreshLibrary } from './library.ts';
import { refreshWeights } from './quantise.ts';
import { refreshStorage } from './storage.ts';
import { tryAdapter } from './playground.ts';

export async function startRun(): Promise<void> {
  const { method, data } = useStudio.getState();
  const fields = composeFields(method, data.options);
  await follow(fields, [], (onEvent) => engine().startRun(fields, onEvent));
}

export async function resumeRun(run: RunSummary): Promise<void> {
  patch('run', { interrupted: null });
  const points = await engine()
    .runMetrics(run.id)
    .catch(() => []);
  const upToCheckpoint = points.filter((point) => point.step <= (run.checkpointStep ?? 0));
  await follow(run.fields, upToCheckpoint, (onEvent) =>
    engine().resumeRun(run.id, (event) => {
      onEvent(event);
      // By now the engine has opened the run's model and rows, which this page may not have seen yet.
      if (event.kind === 'status' && event.status === 'preparing') void showWhatIsOpen();
    }),
  );
}

async function showWhatIsOpen(): Promise<void> {
  const { model, data } = await engine().describeOpen();
  if (model) patch('model', { card: model });
  void refreshWeights();
  if (data) {
    patch('data', { card: data });
    patch('run', { labels: labelsOf(data) });
    await showSome(data, 0);
  }
}

function labelsOf(card: DataCard | null): readonly string[] {
  return card?.labels?.counts.map(({ label }) => label) ?? [];
}

/** Set while a run is being thrown away: its end is then no result. */
let discarding = false;

/** Shows a run from its start to its end, however it ends. */
async function follow(
  fields: RunFields,
  points: Parameters<typeof metricLog.replace>[0],
  begin: (onEvent: OnRunEvent) => Promise<RunSummary>,
): Promise<void> {
  if (isActive(useStudio.getState().run.status)) return goTo('train');
  discarding = false;
  metricLog.replace(points);
  patch('run', { ...noRun, status: 'preparing', fields, labels: labelsOf(useStudio.getState().data.card) });
  goTo('train');
  const batch = new EventBatch((events) => {
    const now = Date.now();
    patch(
      'run',
      events.reduce<RunProgress>((run, event) => afterEvent(run, event, now), useStudio.getState().run),
    );
  });
  const onEvent: OnRunEvent = (event) => {
    if (event.kind === 'metric') metricLog.add(event.point);
    batch.add(event);
  };
  try {
    const summary = await begin(onEvent);
    batch.flush();
    patch('run', discarding ? noRun : { status: summary.status, summary, fields: summary.fields });
    if (summary.adapterId) tryAdapter(summary.adapterId);
  } catch (thrown) {
    batch.flush();
    const error = toEngineError(thrown);
    patch('run', error.code === 'cancelled' || discarding ? noRun : { status: 'failed', error });
  }
  if (discarding) showToast('The run and its checkpoints are gone.');
  await Promise.all([refreshLibrary(), refreshStorage()]);
}

export function pauseRun(): Promise<void> {
  return command(() => engine().pause());
}

export function continueRun(): Promise<void> {
  return command(() => engine().unpause());
}

export async function togglePause(): Promise<void> {
  const { status } = useStudio.getState().run;
  if (status === 'running') await pauseRun();
  if (status === 'paused') await continueRun();
}

export function stopAndKeep(): Promise<void> {
  return command(() => engine().stop(true));
}

export function discardRun(): Promise<void> {
  discarding = true;
  return command(() => engine().stop(false));
}

async function command(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    showToast(toEngineError(thrown).message, true);
  }
}

/** After a crash or a reload: the newest run that was cut off and left a checkpoint. */
export function offerInterruptedRun(): void {
  const { runs } = useStudio.getState().library;
  const interrupted = runs.find((run) => run.status === 'interrupted' && run.checkpointStep !== undefined) ?? null;
  patch('run', { interrupted });
}

export function dismissInterruptedRun(): void {
  patch('run', { interrupted: null });
}
