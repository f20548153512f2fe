import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { RunEvent } from '../../engine/api.ts';
import { EventBatch } from './eventBatch.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const pace = (step: number): RunEvent => ({ kind: 'pace', step, totalSteps: 9, tokensPerSecond: 1, secondsLeft: 1 });

it('gathers figures, passes all else at once, and keeps the order', () => {
  const taken: (readonly RunEvent[])[] = [];
  const batch = new EventBatch((events) => taken.push(events), 250);
  batch.add(pace(1));
  batch.add(pace(2));
  expect(taken).toHaveLength(0);
  batch.add({ kind: 'notice', message: 'Slow.' });
  expect(taken.map((events) => events.map(({ kind }) => kind))).toEqual([['pace', 'pace', 'notice']]);
  batch.add(pace(3));
  vi.advanceTimersByTime(250);
  expect(taken).toHaveLength(2);
  vi.advanceTimersByTime(1000);
  expect(taken).toHaveLength(2);
});
