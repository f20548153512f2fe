import { describe, expect, it } from 'vitest';
import { Cancellable } from './cancellable.ts';

const until = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

describe('Cancellable', () => {
  it('gives what the work gives, and is idle again', async () => {
    const works = new Cancellable();
    expect(await works.run(() => Promise.resolve(3))).toBe(3);
    expect(works.isBusy).toBe(false);
  });

  it('ends the work before another begins', async () => {
    const works = new Cancellable();
    const order: string[] = [];
    const first = works.run(async (signal) => {
      await until(signal).finally(() => order.push('first ended'));
    });
    const failed = expect(first).rejects.toMatchObject({ name: 'AbortError' });
    await Promise.resolve();
    const second = works.run(() => Promise.resolve(order.push('second began')));
    await Promise.all([failed, second]);
    expect(order).toEqual(['first ended', 'second began']);
    expect(works.isBusy).toBe(false);
  });

  it('never begins what was cancelled while it waited', async () => {
    const works = new Cancellable();
    let began = false;
    const first = works.run(until).catch(() => undefined);
    const second = works.run(() => Promise.resolve((began = true))).catch((error: Error) => error.name);
    await works.cancel();
    expect(await second).toBe('AbortError');
    await first;
    expect(began).toBe(false);
  });
});
