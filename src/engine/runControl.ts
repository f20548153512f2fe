/** Thrown inside a run that was asked to stop. */
export class RunStopped extends Error {
  override readonly name = 'RunStopped';
  constructor() {
    super('The run was stopped.');
  }
}

/** Pause, go on, stop: asked for at any time, obeyed before the next submit, so within a fraction of a second. */
export class RunControl {
  readonly #abort = new AbortController();
  #resume: (() => void) | undefined;
  #paused: Promise<void> | undefined;
  #pausedAt = 0;
  #secondsPaused = 0;

  /** aborts with RunStopped */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get secondsPaused(): number {
    return this.#secondsPaused;
  }

  pause(): void {
    if (this.#paused) return;
    this.#pausedAt = performance.now();
    this.#paused = new Promise((resolve) => (this.#resume = resolve));
  }

  unpause(): void {
    if (!this.#paused) return;
    this.#secondsPaused += (performance.now() - this.#pausedAt) / 1000;
    this.#paused = undefined;
    this.#resume?.();
  }

  stop(): void {
    this.#abort.abort(new RunStopped());
    this.unpause();
  }

  /** Waits while paused; throws RunStopped once stopped. */
  async gate(): Promise<void> {
    this.#abort.signal.throwIfAborted();
    if (this.#paused) await this.#paused;
    this.#abort.signal.throwIfAborted();
  }
}
