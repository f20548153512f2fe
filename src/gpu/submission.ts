import type { Wait } from './device.ts';
import type { Dispatch } from './kernel.ts';

/** Aim for one submit, in milliseconds: short enough that the page draws, pause answers and no watchdog fires. */
const targetMilliseconds = 80;
/** Fixed cost of one dispatch on every driver seen, in milliseconds. */
const dispatchMilliseconds = 0.02;
/** Submits that may be queued before the next one waits for the oldest. */
const inFlight = 2;

/**
 * Replays dispatch lists in submits of bounded time. The bounds follow a running estimate of the device's speed: they move where
 * submits are cut and nothing else, so the bits of a run do not depend on them.
 */
export class Submitter {
  readonly #device: GPUDevice;
  readonly #wait: Wait;
  readonly #pending: Promise<void>[] = [];
  #flopsPerMillisecond: number;
  #lastDone = 0;

  constructor(device: GPUDevice, isSoftware: boolean, wait: Wait = (promise) => promise) {
    this.#device = device;
    this.#wait = wait;
    this.#flopsPerMillisecond = isSoftware ? 2e6 : 2e8;
  }

  /** Floating-point operations that one dispatch may hold. Fixed by the kind of device, so that splits do not change within a run. */
  static flopsPerDispatch(isSoftware: boolean): number {
    return isSoftware ? 2e8 : 2e10;
  }

  /**
   * Queues the dispatches in order. Resolves when all are submitted, not when they are done.
   * @param isWhole asks the gate before the first submit alone: once begun, such a list is never left half done
   */
  async replay(dispatches: readonly Dispatch[], isWhole = false): Promise<void> {
    let start = 0;
    while (start < dispatches.length) {
      let milliseconds = 0;
      let flops = 0;
      let end = start;
      while (end < dispatches.length && (end === start || milliseconds < targetMilliseconds)) {
        const dispatch = dispatches[end++];
        flops += dispatch?.flops ?? 0;
        milliseconds += dispatchMilliseconds + (dispatch?.flops ?? 0) / this.#flopsPerMillisecond;
      }
      await (isWhole && start > 0 ? this.#room() : this.ready());
      this.#submit(dispatches.slice(start, end), flops);
      start = end;
    }
  }

  /** A hook before each submit: a run that is paused waits here, and one that is stopped throws. */
  gate: (() => Promise<void> | void) | undefined;

  /** Resolves when everything submitted so far is done. */
  async idle(): Promise<void> {
    await this.#wait(this.#device.queue.onSubmittedWorkDone());
    this.#pending.length = 0;
  }

  /** Waits until there is room for another submit and the gate is open. */
  async ready(): Promise<void> {
    await this.#room();
    await this.gate?.();
  }

  async #room(): Promise<void> {
    while (this.#pending.length >= inFlight) await this.#wait(this.#pending.shift() ?? Promise.resolve());
  }

  #submit(dispatches: readonly Dispatch[], flops: number): void {
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const { pipeline, bindGroup, grid } of dispatches) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(...grid);
    }
    pass.end();
    const submitted = performance.now();
    this.#device.queue.submit([encoder.finish()]);
    const done = this.#device.queue.onSubmittedWorkDone().then(() => this.#learn(submitted, flops));
    done.catch(() => undefined); // a lost device shows where this is awaited, if it ever is
    this.#pending.push(done);
  }

  #learn(submitted: number, flops: number): void {
    const now = performance.now();
    const milliseconds = now - Math.max(submitted, this.#lastDone);
    this.#lastDone = now;
    if (flops < 1e6 || milliseconds < 1) return;
    this.#flopsPerMillisecond = 0.7 * this.#flopsPerMillisecond + 0.3 * (flops / milliseconds);
  }
}
