import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Adapter } from '../peft/method.ts';
import { LoadedModel } from './loadedModel.ts';
import { mergedInFormat } from './mergedInFormat.ts';
import { mergingOf } from './merging.ts';
import { openPath } from './nodeFiles.ts';

const models = fileURLToPath(new URL('../../tests/fixtures/parity/models/', import.meta.url));
const without: Adapter = {
  peftType: 'LORA',
  parameters: [],
  hooks: {},
  config: {},
  baseTensors: new Map(),
  ignoresKey: () => false,
};

it.each(['llama', 'llama-gguf.gguf'])('an adapter that changes nothing is not merged: %s', async (name) => {
  const model = await LoadedModel.open(await openPath(models + name), name);
  await expect(mergedInFormat(mergingOf({ model, adapter: without, values: new Map() }))).rejects.toThrow(
    'The adapter changes none of this model’s weights. Check that it was trained on this model.',
  );
});
