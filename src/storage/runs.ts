import { Table } from './table.ts';

export type RunStatus = 'running' | 'paused' | 'done' | 'stopped' | 'failed';

/** One training run as the list shows it. Its metrics are kept beside it, because they grow. */
export interface RunRecord {
  readonly id: string;
  readonly name: string;
  readonly status: RunStatus;
  /** milliseconds since 1970 */
  readonly createdAt: number;
  /** milliseconds since 1970, of the last change of this record */
  readonly updatedAt: number;
  /** the run file's fields, as YAML would hold them */
  readonly config: unknown;
  /** what the list shows beside the name: model, method, steps done, last loss; anything that structuredClone copies */
  readonly summary: Readonly<Record<string, unknown>>;
  /** why it failed */
  readonly error?: string;
}

/** One entry of the log: an optimizer step, and whatever figures its writer adds and reads back. */
export interface LogEntry {
  readonly step: number;
}

type NewRun = Pick<RunRecord, 'id' | 'name' | 'status' | 'config' | 'summary'>;
type RunChanges = Partial<Pick<RunRecord, 'name' | 'status' | 'summary' | 'error'>>;

/** Runs and their logs. Every method rejects with StorageFull or StorageUnavailable. */
export class Runs {
  private readonly records: Table<RunRecord>;
  /** batches of entries under [run id, number], so that appending does not rewrite what is there */
  private readonly logs: Table<readonly LogEntry[]>;

  constructor(name: string) {
    this.records = new Table(name);
    this.logs = new Table(`${name}-logs`);
  }

  async create(run: NewRun): Promise<RunRecord> {
    const now = Date.now();
    const record: RunRecord = { ...run, createdAt: now, updatedAt: now };
    await this.records.set(record.id, record);
    return record;
  }

  /** Resolves to the changed record, or undefined where the run is gone. */
  update(id: string, changes: RunChanges): Promise<RunRecord | undefined> {
    return this.records.update(id, (record) => ({ ...record, ...changes, updatedAt: Date.now() }));
  }

  get(id: string): Promise<RunRecord | undefined> {
    return this.records.get(id);
  }

  /** Newest first. */
  async list(): Promise<RunRecord[]> {
    return (await this.records.values()).sort((a, b) => b.createdAt - a.createdAt);
  }

  /** Adds entries to the log. One transaction a call: gather entries for a second or so. */
  appendLog<Entry extends LogEntry>(id: string, entries: readonly Entry[]): Promise<void> {
    return this.logs.append(id, entries);
  }

  /** The whole log, in the order in which it was written. */
  async log(id: string): Promise<LogEntry[]> {
    return (await this.logs.valuesOf(id)).flat();
  }

  /** Drops entries after a step: a run that goes on from its checkpoint writes them anew. */
  async trimLog(id: string, lastStep: number): Promise<void> {
    const entries = await this.log(id);
    await this.logs.replaceAllOf(
      id,
      entries.filter((entry) => entry.step <= lastStep),
    );
  }

  async delete(id: string): Promise<void> {
    await this.records.delete(id);
    await this.logs.deleteAllOf(id);
  }
}
