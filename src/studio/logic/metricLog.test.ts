import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MetricLog } from './metricLog.ts';

const point = (step: number) => ({ step, epoch: 0, loss: 1, tokens: 0, time: 0 });

describe('MetricLog', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('gathers the points of a quarter of a second into one notice', () => {
    const log = new MetricLog(250);
    const heard = vi.fn();
    log.subscribe(heard);
    for (let step = 1; step <= 50; step++) log.add(point(step));
    expect(heard).not.toHaveBeenCalled();
    expect(log.snapshot()).toHaveLength(0);
    vi.advanceTimersByTime(250);
    expect(heard).toHaveBeenCalledTimes(1);
    expect(log.snapshot()).toHaveLength(50);
    expect(log.snapshot()).toBe(log.snapshot());
  });

  it('replaces everything at once, also points that wait', () => {
    const log = new MetricLog(250);
    log.add(point(9));
    log.replace([point(1), point(2)]);
    vi.advanceTimersByTime(500);
    expect(log.snapshot().map(({ step }) => step)).toEqual([1, 2]);
  });
});
