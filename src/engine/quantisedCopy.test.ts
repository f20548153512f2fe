import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FileSet } from '../formats/byteSource.ts';
import { readDecoded } from '../models/checkpoint.ts';
import { openLibrary } from '../storage/library.ts';
import { Table } from '../storage/table.ts';
import { LoadedModel } from './loadedModel.ts';
import { ModelRoom } from './modelRoom.ts';
import { openPath } from './nodeFiles.ts';
import { pricedWeights } from './pricedWeights.ts';
import { nameOfCopy, quantisedCopy } from './quantisedCopy.ts';
import { onTrainedWeights } from './quantisedModels.ts';

const models = fileURLToPath(new URL('../../tests/fixtures/parity/models/', import.meta.url));
const open = async (name: string) => LoadedModel.open(await openPath(models + name), name);
const ignore = () => undefined;
const nf4 = { kind: 'nf4', doubleQuant: true } as const;

beforeEach(() => (indexedDB = new IDBFactory()));

async function dropped(name: string) {
  const files: FileSet = await openPath(models + name);
  return Promise.all(
    [...files].map(async ([path, source]) => ({
      path: `${name}/${path}`,
      blob: new Blob([await source.read(0, source.size)]),
    })),
  );
}

describe('a quantised copy', () => {
  it('opens from the library with the very weights that quantising while loading gives', async () => {
    for (const quantisation of [nf4, { kind: 'int8', doubleQuant: false }, { ...nf4, embeddings: true }] as const) {
      const rooms = new ModelRoom(openLibrary(`test-${JSON.stringify(quantisation)}`));
      await rooms.open(await dropped('llama-nf4'), ignore);
      const loaded = rooms.current.model.quantised(quantisation);
      const told: number[] = [];
      const card = await rooms.keepQuantised(
        quantisation,
        false,
        ({ phase, done, total }) => phase === 'quantise' && told.push(done / total),
        new AbortController().signal,
      );
      expect(card.isStored).toBe(true);
      expect(card.name).toBe(nameOfCopy('llama-nf4', quantisation));
      expect(told.at(-1)).toBe(1);
      const kept = rooms.current.model;
      expect(onTrainedWeights(kept, nf4)).toBe(kept); // it is quantised already
      for (const name of loaded.checkpoint.catalog.keys())
        expect(await readDecoded(kept.checkpoint, name), name).toEqual(await readDecoded(loaded.checkpoint, name));
    }
  });

  it('takes the place of the original where that is asked for, and leaves nothing where it is stopped', async () => {
    const library = openLibrary();
    const rooms = new ModelRoom(library);
    const { id } = await rooms.open(await dropped('llama-nf4'), ignore);
    await rooms.keep(ignore);
    const stop = new AbortController();
    const stopped = rooms.keepQuantised(nf4, true, () => stop.abort(), stop.signal);
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    expect((await rooms.list()).map((model) => model.id)).toEqual([id]);
    expect(await new Table('graft-models-pieces').owners()).toEqual([id]); // no part of the copy either
    expect(rooms.currentId).toBe(id);
    const card = await rooms.keepQuantised(nf4, true, ignore, new AbortController().signal);
    expect((await rooms.list()).map(({ name }) => name)).toEqual([card.name]);
  });

  it('says what it takes before it is made, and why it cannot be', async () => {
    const choices = pricedWeights(await open('llama-nf4'));
    expect(choices).toHaveLength(11);
    const [stored] = choices;
    const double = choices.find(({ name, embeddings }) => name === 'nf4_nested' && !embeddings);
    expect(double?.fields).toMatchObject({ load_in_4bit: true, bnb_4bit_quant_type: 'nf4', load_in_8bit: false });
    const bytes = (priced: object | undefined) => (priced && 'bytes' in priced ? Number(priced.bytes) : NaN);
    expect(bytes(double?.memory)).toBeLessThan(bytes(stored?.memory));
    const files = await quantisedCopy((await open('llama-nf4')).quantised(nf4), ignore, new AbortController().signal);
    expect([...files.values()].reduce((sum, { size }) => sum + size, 0)).toBe(bytes(double?.copy));

    const packed = pricedWeights(await open('llama-gguf.gguf'));
    expect(packed.filter(({ memory }) => 'bytes' in memory).map(({ name }) => name)).toEqual(['stored']);
    expect(packed.at(-1)?.memory).toEqual({
      reason: expect.stringMatching(/^Its weights are quantised already,/) as string,
    });
    const odd = pricedWeights(await open('qwen2-int8')).filter(({ name }) => name === 'int8');
    expect(odd).toMatchObject([
      { embeddings: false, memory: { bytes: expect.any(Number) as number } },
      { embeddings: true, memory: { reason: expect.stringMatching(/embed_tokens.* a multiple of 8/) as string } },
    ]);
  });
});

describe('the weights that an adapter was trained on', () => {
  it('are the same model each time, and those of a file that is quantised already as they are', async () => {
    const float = await open('llama-nf4');
    const quantised = onTrainedWeights(float, nf4);
    expect(quantised.checkpoint.quantisation).toEqual(nf4);
    expect(onTrainedWeights(float, { ...nf4 })).toBe(quantised);
    expect(onTrainedWeights(float, undefined)).toBe(float);
    const packed = await open('llama-gguf.gguf');
    expect(onTrainedWeights(packed, nf4)).toBe(packed);
  });
});
