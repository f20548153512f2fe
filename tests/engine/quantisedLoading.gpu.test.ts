import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { useGpu } from '../ops/harness.ts';
import type { EncodedRow } from '../../src/data/encodeRow.ts';
import { estimateBytes, totalBytes } from '../../src/engine/estimate.ts';
import { LoadedModel } from '../../src/engine/loadedModel.ts';
import { prepareRun } from '../../src/engine/preparedRun.ts';
import { largestBatch } from '../../src/engine/runBatches.ts';
import { RunControl } from '../../src/engine/runControl.ts';
import { trainAdapter } from '../../src/engine/trainingRun.ts';
import { memorySource, type FileSet } from '../../src/formats/byteSource.ts';
import { openPath } from '../../src/formats/nodeFiles.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { readBack } from '../../src/gpu/transfer.ts';
import { stagingBytes } from '../../src/models/stagingBytes.ts';
import { WeightStore } from '../../src/models/weightStore.ts';
import { packedPlanes } from '../../src/quant/packed.ts';
import type { Quantisation } from '../../src/quant/quantise.ts';
import { packedFormat } from '../../src/quant/registry.ts';
import { shardRows } from '../../src/quant/shards.ts';

const context = useGpu();

const demo = fileURLToPath(new URL('../../public/demo/model', import.meta.url));
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/parity/models/${name}`, import.meta.url));

const nf4: Quantisation = { kind: 'nf4', doubleQuant: true };
const fp4: Quantisation = { kind: 'fp4', doubleQuant: false };
const int8: Quantisation = { kind: 'int8', doubleQuant: false };

const openModel = async (folder: string) => LoadedModel.open(await openPath(folder), 'model');

const heldBytes = () => new Map([...context.gpu.memory.bytesByCategory()].filter(([, bytes]) => bytes > 0));

/** The GPU as if a binding could hold that much. */
function limitedTo(bindingLimit: number): Gpu {
  const { description, ...rest } = context.gpu;
  return { ...rest, description: { ...description, bindingLimit } };
}

describe('weights that the GPU quantises while they are loaded', () => {
  it.each([
    ['floats', demo, nf4, 2 ** 27],
    ['floats in shards and stretches', demo, nf4, 24 * 1024],
    ['an embedding, too', demo, { ...fp4, embeddings: true }, 2 ** 27],
    ['whole rows', demo, int8, 2 ** 27],
    ['blocks across rows', fixture('qwen2-int8'), nf4, 2 ** 27],
    ['matrices that the file holds transposed', fixture('gpt2'), nf4, 2 ** 27],
    ['those in shards', fixture('gpt2'), int8, 16 * 1024],
  ] as const)('are those of the plain reference: %s', async (_, folder, quantisation, bindingLimit) => {
    const { checkpoint, positions } = (await openModel(folder)).quantised(quantisation);
    const gpu = limitedTo(bindingLimit);
    const store = new WeightStore(gpu);
    await store.load(checkpoint, positions);
    let compared = 0;
    for (const [name, { packed }] of checkpoint.tensors) {
      if (!packed) continue;
      const shards = shardRows(packed.rows, packed.columns, packedFormat(packed.format), bindingLimit);
      for (const [shard, planes] of (await packedPlanes(packed, shards)).entries())
        for (const [p, plane] of planes.entries()) {
          const bytes = new Uint8Array(await readBack(gpu.device, store.range(name, shard, p), gpu.wait));
          expect(Buffer.compare(bytes, plane), `${name}, shard ${shard}, plane ${p}`).toBe(0);
          compared++;
        }
    }
    expect(compared).toBeGreaterThan(10);
    store.destroy();
  });

  it('pass through as much staging as was foreseen, which is free afterwards', async () => {
    const { checkpoint, positions } = (await openModel(demo)).quantised(nf4);
    const foreseen = stagingBytes(checkpoint, context.gpu.description.bindingLimit);
    expect(foreseen).toBeGreaterThan(0);
    const store = new WeightStore(context.gpu);
    const staging = new Set<number | undefined>();
    await store.load(checkpoint, positions, { onProgress: () => staging.add(heldBytes().get('staging')) });
    staging.delete(undefined); // before the first of them
    expect([...staging]).toEqual([foreseen]);
    expect([...heldBytes().keys()]).toEqual(['weights']);
    store.destroy();
  });

  it('are refused by name where a number is not finite, and nothing stays behind', async () => {
    const files = new Map(await openPath(fixture('llama')));
    const model = await LoadedModel.open(
      withInfinity(files, 'model.layers.1.mlp.up_proj.weight', await openModel(fixture('llama'))),
      'llama',
    );
    await expect(model.quantised(nf4).weightsOn(context.gpu)).rejects.toThrow(
      /^model\.layers\.1\.mlp\.up_proj\.weight has numbers that are not finite/,
    );
    expect([...heldBytes()]).toEqual([]);
  });

  it('leave nothing of a load that stops on its way, and come whole with the next', async () => {
    const { checkpoint, positions } = (await openModel(demo)).quantised(nf4);
    const fresh = new WeightStore(context.gpu);
    await fresh.load(checkpoint, positions);
    const whole = heldBytes();
    fresh.destroy();
    const store = new WeightStore(context.gpu);
    await store.load(checkpoint, positions, { without: new Set([...checkpoint.tensors.keys()].slice(1)) });
    const before = heldBytes();
    const stop = new AbortController();
    const onProgress = () => heldBytes().has('staging') && stop.abort();
    await expect(store.load(checkpoint, positions, { onProgress, signal: stop.signal })).rejects.toThrow();
    expect(heldBytes()).toEqual(before);
    await store.load(checkpoint, positions);
    expect(heldBytes()).toEqual(whole);
    store.destroy();
  });

  it('stop on their way where that is asked for', async () => {
    const model = (await openModel(demo)).quantised(nf4);
    const stop = new AbortController();
    const load = model.weightsOn(context.gpu, {
      onProgress: () => heldBytes().has('staging') && stop.abort(),
      signal: stop.signal,
    });
    await expect(load).rejects.toMatchObject({ name: 'AbortError' });
    expect([...heldBytes()]).toEqual([]);
  });
});

/** The files with an infinite number in the middle of a weight. */
function withInfinity(files: FileSet, name: string, { checkpoint }: LoadedModel): FileSet {
  const { entry } = checkpoint.tensors.get(name)!;
  const place = entry.byteOffset + entry.byteLength / 2;
  const damage = entry.format === 'f32' ? [0, 0, 128, 127] : entry.format === 'bf16' ? [128, 127] : [0, 124];
  return new Map(
    [...files].map(([path, source]) => {
      if (source.name !== entry.source.name) return [path, source];
      const read = async (start: number, end: number) => {
        const bytes = await source.read(start, end);
        damage.forEach((byte, i) => {
          if (place + i >= start && place + i < end) bytes[place + i - start] = byte;
        });
        return bytes;
      };
      return [path, { ...memorySource(new Uint8Array(), source.name), size: source.size, read }];
    }),
  );
}

it('takes the memory for a run that was estimated', async () => {
  const ids = Array.from({ length: 24 }, (_, i) => (7 * i) % 1536);
  const labels = Int32Array.from(ids, (id, i) => (i === 0 ? -100 : id));
  const rows = [{ ids: Uint32Array.from(ids), labels }] as unknown as EncodedRow[];
  const fields = { peft_type: 'LORA', target_modules: 'all-linear', batch_size: 1, max_steps: 1, load_in_4bit: true };
  const { run, model, adapter, initial } = await prepareRun(await openModel(demo), fields);
  const { gpu } = context;
  let allocated = 0;
  await trainAdapter({ gpu, model, adapter, initial, rows, evalRows: [], settings: run.training }, new RunControl(), {
    onStep: () => (allocated = [...heldBytes().values()].reduce((sum, bytes) => sum + bytes, 0)),
  });
  const { description, catalog, quantisation } = model.checkpoint;
  const { tokens, targetCount: labelled } = await largestBatch(rows, 1, model);
  const planned = estimateBytes({
    ...{ description, catalog, adapter, settings: run.training, evaluates: false, positions: model.positions },
    ...{ tokens, labelled, quantises: quantisation !== undefined, device: gpu.description },
  });
  expect([...catalog.values()].some(({ format }) => format === 'fp4')).toBe(true);
  const peak = totalBytes(planned);
  const whileLoading = planned.weights + stagingBytes(model.checkpoint, gpu.description.bindingLimit);
  expect(Math.abs(peak / Math.max(allocated, whileLoading) - 1)).toBeLessThan(0.03);
  model.unload();
});
