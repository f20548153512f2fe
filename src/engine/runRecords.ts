import { memorySource, type FileSet } from '../formats/byteSource.ts';
import { StorageFull, StorageUnavailable } from '../storage/errors.ts';
import type { CheckpointRecord } from '../storage/checkpoints.ts';
import type { Library } from '../storage/library.ts';
import type { RunRecord } from '../storage/runs.ts';
import type { TrainerState } from '../train/trainer.ts';
import type { MetricPoint, RunFields, RunStatus, RunSummary } from './api.ts';

/** What a run needs to be taken up again, beside its checkpoint and rows. */
export interface RunOrigin {
  readonly modelId: string;
  readonly modelName: string;
  readonly dataName: string;
  readonly method: string;
  readonly fields: RunFields;
  /** an adapter that the run continued */
  readonly initAdapterId?: string;
}

/** The figures of a run that change while it goes on. */
export type RunProgress = Partial<Pick<RunSummary, 'step' | 'totalSteps' | 'lastLoss' | 'bestEvalLoss' | 'adapterId'>>;

const stored: Readonly<Record<RunStatus, RunRecord['status']>> = {
  preparing: 'running',
  running: 'running',
  paused: 'paused',
  finished: 'done',
  stopped: 'stopped',
  failed: 'failed',
  interrupted: 'running',
};

/** Writes runs, their logs, rows and checkpoints to the library. When that is full or absent a run goes on without, and is told once. */
export class RunRecords {
  readonly #library: Library;
  readonly #onTrouble: (message: string) => void;
  #canStore = true;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(library: Library, onTrouble: (message: string) => void) {
    this.#library = library;
    this.#onTrouble = onTrouble;
  }

  async create(id: string, name: string, origin: RunOrigin, rows: FileSet): Promise<void> {
    await this.#try(async () => {
      await this.#library.runs.create({ id, name, status: 'running', config: origin, summary: {} });
      await this.#library.datasets.add(id, origin.dataName, {}, rows);
    });
  }

  async update(id: string, status: RunStatus, progress: RunProgress, error?: string): Promise<void> {
    await this.#try(async () => {
      const record = await this.#library.runs.get(id);
      await this.#library.runs.update(id, {
        status: stored[status],
        summary: { ...record?.summary, ...progress },
        error,
      });
    });
  }

  async appendMetrics(id: string, points: readonly MetricPoint[]): Promise<void> {
    if (points.length > 0) await this.#try(() => this.#library.runs.appendLog(id, points));
  }

  /** Drops the figures after a step, which will be made anew; resolves to those that are left, or undefined where they cannot be read. */
  async trimMetrics(id: string, step: number): Promise<readonly MetricPoint[] | undefined> {
    let left: readonly MetricPoint[] | undefined;
    await this.#try(async () => {
      await this.#library.runs.trimLog(id, step);
      left = (await this.#library.runs.log(id)) as MetricPoint[];
    });
    return left;
  }

  /** Deletes all that the run left. */
  async discard(id: string): Promise<void> {
    await this.#try(() => this.#library.deleteRun(id));
  }

  /** Resolves to whether the checkpoint is on the device. */
  async saveCheckpoint(
    id: string,
    state: TrainerState,
    kernels: readonly string[],
    evalLoss: number | undefined,
  ): Promise<boolean> {
    const part = (name: string, values: Float32Array) =>
      [name, memorySource(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), name)] as const;
    const files = new Map([
      part('parameters', state.parameters),
      part('firstMoments', state.firstMoments),
      part('secondMoments', state.secondMoments),
      part('states', state.states),
    ]);
    return this.#try(async () => {
      await this.#library.checkpoints.save(id, { step: state.step, evalLoss, state: { kernels } }, files);
    });
  }

  async openCheckpoint(record: CheckpointRecord): Promise<TrainerState> {
    const files = await this.#library.checkpoints.open(record);
    const part = async (name: string) => {
      const source = files.get(name);
      if (!source) throw new Error(`The checkpoint lacks ${name}.`);
      return new Float32Array((await source.read(0, source.size)).buffer);
    };
    return {
      step: record.step,
      parameters: await part('parameters'),
      firstMoments: await part('firstMoments'),
      secondMoments: await part('secondMoments'),
      states: await part('states'),
    };
  }

  /** Writes in the order in which it was asked to, so that an early status cannot replace a late one. Resolves to whether it could. */
  #try(write: () => Promise<void>): Promise<boolean> {
    const done = this.#queue.then(() => this.#write(write));
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async #write(write: () => Promise<void>): Promise<boolean> {
    if (!this.#canStore) return false;
    try {
      await write();
      return true;
    } catch (error) {
      if (!(error instanceof StorageFull || error instanceof StorageUnavailable)) throw error;
      this.#canStore = false;
      this.#onTrouble(`${error.message} The run goes on from memory; download the adapter before you close this tab.`);
      return false;
    }
  }
}

/** Runs as the library lists them. One that is marked as running while none runs here broke off. */
export async function listRuns(library: Library, runningId: string | undefined): Promise<RunSummary[]> {
  const records = await library.runs.list();
  return Promise.all(records.map((record) => summarize(library, record, runningId)));
}

async function summarize(library: Library, record: RunRecord, runningId: string | undefined): Promise<RunSummary> {
  const origin = record.config as RunOrigin;
  const progress = record.summary as RunProgress;
  const { last } = await library.checkpoints.find(record.id);
  const live = record.status === 'running' || record.status === 'paused';
  const ended = { done: 'finished', stopped: 'stopped', failed: 'failed' } as const;
  return {
    id: record.id,
    name: record.name,
    status: live
      ? record.id === runningId
        ? (record.status as 'running' | 'paused')
        : 'interrupted'
      : ended[record.status as keyof typeof ended],
    modelName: origin.modelName,
    dataName: origin.dataName,
    method: origin.method,
    fields: origin.fields,
    createdAt: record.createdAt,
    step: progress.step ?? 0,
    totalSteps: progress.totalSteps ?? 0,
    lastLoss: progress.lastLoss,
    bestEvalLoss: progress.bestEvalLoss,
    checkpointStep: last?.step,
    checkpointAt: last?.createdAt,
    adapterId: progress.adapterId,
    error: record.error,
  };
}
