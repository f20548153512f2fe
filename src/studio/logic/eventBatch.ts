import type { RunEvent } from '../../engine/api.ts';

/**
 * Gathers the events of fast steps, since each change of state draws the page anew. Figures wait for `pauseMs` at most; all other
 * events pass at once, with what waits before them, so that the order stays.
 */
export class EventBatch {
  private waiting: RunEvent[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly take: (events: readonly RunEvent[]) => void,
    private readonly pauseMs = 250,
  ) {}

  add(event: RunEvent): void {
    this.waiting.push(event);
    if (event.kind === 'metric' || event.kind === 'pace') this.timer ??= setTimeout(() => this.flush(), this.pauseMs);
    else this.flush();
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const events = this.waiting;
    this.waiting = [];
    if (events.length > 0) this.take(events);
  }
}
