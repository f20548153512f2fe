import { UserError } from '../formats/errors.ts';
import type { Library } from '../storage/library.ts';
import { ActiveRun, type RunRequest } from './activeRun.ts';
import type { AdapterRoom } from './adapterRoom.ts';
import type { OnRunEvent, RunSummary } from './api.ts';
import type { Machine } from './machine.ts';
import { RunControl } from './runControl.ts';
import { RunRecords } from './runRecords.ts';

/** One run at a time, and the buttons that pause, resume and stop it. */
export class RunRoom {
  readonly #machine: Machine;
  readonly #library: Library;
  readonly #adapters: AdapterRoom;
  #running: { id: string; control: RunControl; keep: boolean; tell: OnRunEvent } | undefined;

  constructor(machine: Machine, library: Library, adapters: AdapterRoom) {
    this.#machine = machine;
    this.#library = library;
    this.#adapters = adapters;
  }

  get runningId(): string | undefined {
    return this.#running?.id;
  }

  pause(): void {
    this.#running?.control.pause();
    this.#running?.tell({ kind: 'status', status: 'paused' });
  }

  unpause(): void {
    this.#running?.control.unpause();
    this.#running?.tell({ kind: 'status', status: 'running' });
  }

  stop(keep: boolean): void {
    if (!this.#running) return;
    this.#running.keep = keep;
    this.#running.control.stop();
  }

  /** Trains to the end, to a stop, or to an error. Throws what ended it; the record says so too. */
  async run(request: RunRequest, tell: OnRunEvent): Promise<RunSummary> {
    if (this.#running) throw new UserError('A run is under way. Stop it before starting another.');
    const control = new RunControl();
    this.#running = { id: request.id, control, keep: true, tell };
    const records = new RunRecords(this.#library, (message) => tell({ kind: 'notice', message }));
    const active = new ActiveRun(request, this.#machine, records, this.#adapters, tell);
    try {
      return await active.train(control, () => this.#running?.keep ?? true);
    } finally {
      this.#running = undefined;
    }
  }
}
