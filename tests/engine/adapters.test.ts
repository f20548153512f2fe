import 'fake-indexeddb/auto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, afterAll, expect, it, vi } from 'vitest';
import type { AdapterSummary, Engine, ModelFile, Progress } from '../../src/engine/api.ts';
import { decodeImageInNode } from '../../src/data/images/nodeImages.ts';
import { createStudioEngine } from '../../src/engine/studioEngine.ts';
import { writeSafetensors } from '../../src/formats/safetensorsWriter.ts';
import { shaderSourcesFromDisk } from '../../src/gpu/shaderSources.node.ts';

beforeAll(() => {
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('fetch', (url: string) => Promise.resolve(new Response(readFileSync(fileURLToPath(url)))));
});
afterAll(() => vi.unstubAllGlobals());

const ignore = () => undefined;

function openPage(): Engine {
  const sampleUrl = new URL('../../public/demo/', import.meta.url).href;
  return createStudioEngine({ shaders: shaderSourcesFromDisk(), sampleUrl, decodeImage: decodeImageInNode });
}

/** A LoRA of the first o_proj of the sample, 128 × 128. */
function importLora(engine: Engine, name: string, r: number): Promise<AdapterSummary> {
  const config = { peft_type: 'LORA', r, lora_alpha: r, target_modules: ['model.layers.0.self_attn.o_proj'] };
  const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * i + r));
  const key = 'base_model.model.model.layers.0.self_attn.o_proj.lora_';
  const weights = writeSafetensors([
    { name: `${key}A.weight`, shape: [r, 128], data: numbers(r * 128) },
    { name: `${key}B.weight`, shape: [128, r], data: numbers(r * 128) },
  ]);
  const files: ModelFile[] = [
    { path: `${name}/adapter_config.json`, blob: new Blob([JSON.stringify(config)]) },
    { path: `${name}/adapter_model.safetensors`, blob: new Blob([weights]) },
  ];
  return engine.importAdapter(files);
}

it('blends adapters of the library into a new one, with a word on each module', async () => {
  const engine = openPage();
  const [one, two] = [await importLora(engine, 'one', 2), await importLora(engine, 'two', 3)];
  const progress: Progress[] = [];
  const blend = await engine.blendAdapters([one.id, two.id], [0.5, 0.5], { combination: 'cat' }, (word) => {
    progress.push(word);
  });
  expect(blend).toMatchObject({ name: 'one + two (cat)', peftType: 'LORA', parameters: 5 * 256 });
  expect(progress).toEqual([{ phase: 'export', done: 0, total: 1, unit: 'modules' }]);
  expect((await engine.listAdapters()).map(({ id }) => id)).toContain(blend.id);
  expect((await engine.exportAdapter(blend.id)).blob.size).toBeGreaterThan(4 * 5 * 256);

  const linear = engine.blendAdapters([one.id, two.id], [0.5, 0.5], { combination: 'linear' }, ignore);
  await expect(linear).rejects.toThrow(/needs adapters of one rank, and these have 2 \(one\), 3 \(two\)/);
  const gone = engine.blendAdapters(['gone'], [1], { combination: 'cat' }, ignore);
  await expect(gone).rejects.toThrow(/no longer there/);
});

it('describes the combinations for a form', async () => {
  const combinations = new Map((await openPage().combinations()).map(({ name, ...rest }) => [name, rest]));
  expect(combinations.get('cat')).toMatchObject({ rank: 'sum', needsDensity: false });
  expect(combinations.get('linear')).toMatchObject({ rank: 'equal', needsDensity: false, electsSign: false });
  expect(combinations.get('dare_ties_svd')).toMatchObject({
    rank: 'chosen',
    needsDensity: true,
    electsSign: true,
    isRandom: true,
  });
});

it('cuts an adapter down to a lower rank on the open model, and says what is kept', async () => {
  const engine = openPage();
  await engine.openSample(ignore);
  const whole = await importLora(engine, 'three', 3);
  const { adapter, energy, energyByModule } = await engine.convertToLora(whole.id, { rank: 2 }, ignore);
  expect(adapter).toMatchObject({ name: 'three as LoRA', peftType: 'LORA', parameters: 2 * 256 });
  expect(energy).toBeGreaterThan(0.5);
  expect(energy).toBeLessThan(1);
  expect(energyByModule).toEqual({ 'model.layers.0.self_attn.o_proj': energy });
});
