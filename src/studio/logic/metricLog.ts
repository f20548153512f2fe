import type { MetricPoint } from '../../engine/api.ts';

/**
 * The points of the run on screen. They live outside React, since a step may take a few milliseconds; listeners hear of them at
 * most every `flushMs`.
 */
export class MetricLog {
  private points: MetricPoint[] = [];
  private view: readonly MetricPoint[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly flushMs = 250) {}

  add(point: MetricPoint): void {
    this.points.push(point);
    this.timer ??= setTimeout(() => this.flush(), this.flushMs);
  }

  replace(points: readonly MetricPoint[]): void {
    this.points = [...points];
    this.flush();
  }

  /** The points as of the last flush; the same array until the next one. */
  readonly snapshot = (): readonly MetricPoint[] => this.view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.view = [...this.points];
    for (const listener of this.listeners) listener();
  }
}

export const metricLog = new MetricLog();
