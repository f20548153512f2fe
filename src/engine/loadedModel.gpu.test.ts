import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { memorySource, type FileSet } from '../formats/byteSource.ts';
import type { Gpu } from '../gpu/device.ts';
import { openNodeGpu } from '../gpu/node.ts';
import { LoadedModel } from './loadedModel.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openNodeGpu();
});
afterAll(() => gpu.device.destroy());

function filesOf(folder: URL): FileSet {
  return new Map(readdirSync(folder).map((name) => [name, memorySource(readFileSync(new URL(name, folder)), name)]));
}

const bytesHeld = () => [...gpu.memory.bytesByCategory().values()].reduce((sum, bytes) => sum + bytes, 0);

it('has one copy of its weights on the GPU, whichever head it was last used with', async () => {
  const model = await LoadedModel.open(
    filesOf(new URL('../../tests/fixtures/parity/models/bert/', import.meta.url)),
    'bert',
  );
  const store = await model.weightsOn(gpu);
  const alone = bytesHeld();
  const forWords = await model.forTask({ type: 'TOKEN_CLS', numLabels: 3 });
  expect(bytesHeld()).toBe(alone);
  await forWords.weightsOn(gpu);
  expect(bytesHeld()).toBeLessThanOrEqual(alone);

  const again = await model.weightsOn(gpu);
  expect(again).not.toBe(store);
  expect(bytesHeld()).toBe(alone);
  expect(await model.weightsOn(gpu)).toBe(again);
  forWords.unload();
  expect(bytesHeld()).toBe(0);
});
