import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { DataOptions } from './api.ts';
import { DataRoom } from './dataRoom.ts';
import { LoadedModel } from './loadedModel.ts';
import { openPath } from './nodeFiles.ts';

const options: DataOptions = {
  maxLength: 32,
  lossOn: 'all',
  valSplitRatio: 0.5,
  taskType: 'auto',
  problemType: 'auto',
};
const ignore = () => undefined;
const file = (...rows: string[]) => [
  { path: 'rows.jsonl', blob: new Blob(rows.map((text) => `${JSON.stringify({ text })}\n`)) },
];

it('names each reading of the rows, so that what was found on others is not taken for theirs', async () => {
  const model = await LoadedModel.open(
    await openPath(fileURLToPath(new URL('../../public/demo/model', import.meta.url))),
    'demo',
  );
  const room = new DataRoom(() => Promise.reject(new Error('no images here')));
  const first = await room.open(file('one', 'two'), model, options, ignore);
  const edited = await room.open(file('one', 'three'), model, options, ignore);
  const measured = await room.openEvaluation(file('four'), model, ignore);
  const otherMeasured = await room.openEvaluation(file('five'), model, ignore);
  const shorter = await room.reopen(model, { ...options, maxLength: 16 }, ignore);
  expect(new Set([first, edited, measured, otherMeasured, shorter].map(({ id }) => id)).size).toBe(5);
  // another share held out reads nothing anew
  expect((await room.reopen(model, { ...options, maxLength: 16, valSplitRatio: 0.1 }, ignore)).id).toBe(shorter.id);
});
