import { describe, expect, it } from 'vitest';
import { memorySource, type FileSet } from '../formats/byteSource.ts';
import { idOfCopy, modelIdOf } from './modelId.ts';

const bytes = 8 << 20;

/** A folder with so many bytes of weights, a stretch of which are others. */
function folder(changedAt?: number, changedBytes = 64 << 10): FileSet {
  const weights = new Uint8Array(bytes).fill(1);
  if (changedAt !== undefined) weights.fill(2, changedAt, changedAt + changedBytes);
  return new Map([
    ['config.json', memorySource(new TextEncoder().encode('{}'), 'config.json')],
    ['model.safetensors', memorySource(weights, 'model.safetensors')],
  ]);
}

describe('the id of a model', () => {
  it('is the same for the same files, in whatever order they come', async () => {
    const id = await modelIdOf('My model', folder());
    expect(id).toMatch(/^My_model-[0-9a-f]{16}$/);
    expect(await modelIdOf('My model', new Map([...folder()].reverse()))).toBe(id);
  });

  it('is another for folders of the same name and sizes with other weights, wherever these differ', async () => {
    const places = [undefined, 0, 1 << 20, 3_333_333, bytes / 2, bytes - 4096];
    const ids = await Promise.all(places.map((place) => modelIdOf('merged', folder(place))));
    expect(new Set(ids).size).toBe(places.length);
  });

  it('looks at the whole of a small file, and tells files by their paths', async () => {
    const small = (path: string, last: number): FileSet =>
      new Map([[path, memorySource(Uint8Array.from([...new Array<number>(10_000).fill(0), last]), path)]]);
    const folders = [small('a.gguf', 0), small('a.gguf', 1), small('b.gguf', 0)];
    const ids = await Promise.all(folders.map((files) => modelIdOf('m', files)));
    expect(new Set(ids).size).toBe(folders.length);
    await expect(modelIdOf('m', new Map([['empty', memorySource(new Uint8Array(), 'empty')]]))).resolves.toMatch(/^m-/);
  });

  it('of a copy says of what it is a copy, and how it was quantised', () => {
    const nf4 = { kind: 'nf4', doubleQuant: true } as const;
    const copies = [
      idOfCopy('a', nf4),
      idOfCopy('b', nf4),
      idOfCopy('a', { ...nf4, doubleQuant: false }),
      idOfCopy('a', { ...nf4, embeddings: true }),
      idOfCopy('a', { kind: 'int8', doubleQuant: false }),
    ];
    expect(new Set(copies).size).toBe(copies.length);
    expect(idOfCopy('a', { ...nf4, embeddings: false })).toBe(idOfCopy('a', nf4));
  });
});
