import type { FileSet } from '../formats/byteSource.ts';
import type { FolderRecord } from './shelf.ts';
import { Shelf } from './shelf.ts';

/** What is known of a snapshot without reading its bytes. */
export interface CheckpointInfo {
  readonly runId: string;
  /** optimizer steps done */
  readonly step: number;
  /** counts the run's snapshots: a resumed run may save an earlier step later */
  readonly sequence: number;
  /** loss on the evaluation rows at that step, where it was measured */
  readonly evalLoss?: number;
  /** the trainer's own record: seeds, data position, kernel variants in use; anything that structuredClone copies */
  readonly state: unknown;
}

export type CheckpointRecord = FolderRecord & CheckpointInfo;

export interface RunCheckpoints {
  /** the one saved last */
  readonly last?: CheckpointRecord;
  /** the one with the least evalLoss */
  readonly best?: CheckpointRecord;
}

/** Snapshots of runs. Of each run the last and the best are kept; an older one goes only after its successor is safely stored. */
export class Checkpoints {
  private readonly shelf: Shelf<CheckpointInfo>;

  constructor(name: string) {
    this.shelf = new Shelf(name);
  }

  /** Stores a snapshot; `files` are its binary parts (parameters, moments). On StorageFull the earlier snapshots remain. */
  async save(
    runId: string,
    info: Pick<CheckpointInfo, 'step' | 'evalLoss' | 'state'>,
    files: FileSet,
  ): Promise<CheckpointRecord> {
    const earlier = await this.ofRun(runId);
    const sequence = Math.max(-1, ...earlier.map((record) => record.sequence)) + 1;
    const record = await this.shelf.add(
      `${runId}/${sequence}`,
      `step ${info.step}`,
      { ...info, runId, sequence },
      files,
    );
    const { best } = choose([...earlier, record]);
    for (const old of earlier) {
      if (old.id !== best?.id) await this.shelf.delete(old.id);
    }
    return record;
  }

  async find(runId: string): Promise<RunCheckpoints> {
    return choose(await this.ofRun(runId));
  }

  /** The binary parts of a snapshot, read by range. */
  open(record: CheckpointRecord): Promise<FileSet> {
    return this.shelf.open(record.id);
  }

  async deleteRun(runId: string): Promise<void> {
    for (const record of await this.ofRun(runId)) await this.shelf.delete(record.id);
  }

  sweep(): Promise<void> {
    return this.shelf.sweep();
  }

  private async ofRun(runId: string): Promise<CheckpointRecord[]> {
    return (await this.shelf.list()).filter((record) => record.runId === runId);
  }
}

function choose(records: readonly CheckpointRecord[]): RunCheckpoints {
  const inOrder = [...records].sort((a, b) => a.sequence - b.sequence);
  let best: CheckpointRecord | undefined;
  for (const record of inOrder) {
    if (record.evalLoss !== undefined && record.evalLoss < (best?.evalLoss ?? Infinity)) best = record;
  }
  return { last: inOrder.at(-1), best };
}
