import { expect, test } from 'vitest';
import { answerAfterCallbacks } from './orderedReplies.ts';

/** A listener on the far side of a slow port: its calls arrive late, but in order. */
function slowListener(heard: string[]): (event: string) => Promise<void> {
  let port: Promise<void> = Promise.resolve();
  return (event) =>
    (port = port.then(async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      heard.push(event);
    }));
}

test('the answer comes after the last event', async () => {
  const heard: string[] = [];
  const run = answerAfterCallbacks(async (name: string, onEvent: (event: string) => void) => {
    onEvent(`${name} began`);
    onEvent(`${name} ended`);
    return 'summary';
  });
  expect(await run('run', slowListener(heard))).toBe('summary');
  expect(heard).toEqual(['run began', 'run ended']);
});

test('so does an error, and a listener that is gone spoils neither', async () => {
  const heard: string[] = [];
  const fail = answerAfterCallbacks(async (onEvent: (event: string) => void, onOther: () => void) => {
    onEvent('failed');
    onOther();
    throw new Error('no');
  });
  await expect(fail(slowListener(heard), () => Promise.reject(new Error('gone')))).rejects.toThrow('no');
  expect(heard).toEqual(['failed']);
});
