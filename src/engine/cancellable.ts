/** One piece of work at a time, which a later one or somebody who asks for it cuts short. */
export class Cancellable {
  #running: { readonly abort: AbortController; readonly ended: Promise<unknown> } | undefined;

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  /** Ends what is under way and then runs `work`, which is to reject with the signal's reason when that is aborted. */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    const before = this.#running;
    before?.abort.abort();
    const result = (before?.ended ?? Promise.resolve()).then(() => {
      abort.signal.throwIfAborted();
      return work(abort.signal);
    });
    const running = { abort, ended: result.catch(() => undefined) };
    this.#running = running;
    try {
      return await result;
    } finally {
      if (this.#running === running) this.#running = undefined;
    }
  }

  /** Resolves when what was under way has ended. */
  async cancel(): Promise<void> {
    this.#running?.abort.abort();
    await this.#running?.ended;
  }
}
