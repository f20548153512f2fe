import { blobSource, type FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import { stripCommonFolder } from '../formats/fileSet.ts';
import { unzipFiles } from '../formats/zip.ts';
import type { Quantisation } from '../quant/quantise.ts';
import type { Library } from '../storage/library.ts';
import type { ModelCard, ModelFile, OnProgress, StoredModelSummary } from './api.ts';
import { LoadedModel } from './loadedModel.ts';
import { modelCard } from './modelCard.ts';
import { idOfCopy, modelIdOf } from './modelId.ts';
import { nameOfCopy, quantisedCopy } from './quantisedCopy.ts';

/** The id of the built-in sample, which is fetched from the page itself and never stored. */
export const sampleModelId = 'sample';

/** The model that is open, and those kept on this device. */
export class ModelRoom {
  readonly #library: Library;
  #current: { id: string; model: LoadedModel; files: FileSet; isStored: boolean } | undefined;
  readonly #keeping = new Map<string, Promise<StoredModelSummary>>();

  constructor(library: Library) {
    this.#library = library;
  }

  /** Throws a UserError when no model is open. */
  get current(): { readonly id: string; readonly model: LoadedModel } {
    if (!this.#current) throw new UserError('No model is open. Choose one on the Model screen.');
    return this.#current;
  }

  /** the open model's card; null when none is open */
  get card(): ModelCard | null {
    return this.#current ? modelCard(this.#current.model, this.#current.id, this.#current.isStored) : null;
  }

  get currentId(): string | undefined {
    return this.#current?.id;
  }

  async open(dropped: readonly ModelFile[], onProgress: OnProgress): Promise<ModelCard> {
    const files = await filesOf(dropped);
    const name = nameOf(dropped);
    return this.#use(await modelIdOf(name, files), name, files, onProgress);
  }

  async openStored(id: string, onProgress: OnProgress): Promise<ModelCard> {
    const record = await this.#library.models.get(id);
    return this.#use(id, record?.name ?? id, await this.#library.models.open(id), onProgress);
  }

  openSample(files: FileSet, onProgress: OnProgress): Promise<ModelCard> {
    return this.#use(sampleModelId, 'Graft sample', files, onProgress);
  }

  async list(): Promise<StoredModelSummary[]> {
    return (await this.#library.models.list()).map(({ id, name, byteLength, createdAt }) => ({
      id,
      name,
      bytes: byteLength,
      lastUsed: createdAt,
    }));
  }

  /** Copies the open model into the library; asking again while that goes on joins it. */
  keep(onProgress: OnProgress): Promise<StoredModelSummary> {
    const { id } = this.current;
    const keeping = this.#keeping.get(id) ?? this.#keep(onProgress).finally(() => this.#keeping.delete(id));
    this.#keeping.set(id, keeping);
    return keeping;
  }

  /**
   * Writes the open model quantised into the library and opens that in its place. Throws a UserError for weights that cannot be written
   * so, and stops at `signal`, leaving nothing behind.
   * @param replaces deletes the library's copy of the original once the other is there
   */
  async keepQuantised(
    quantisation: Quantisation,
    replaces: boolean,
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<ModelCard> {
    const { id: originalId, model } = this.current;
    const id = idOfCopy(originalId, quantisation);
    if (!(await this.#library.models.get(id))) {
      const onBytes = (done: number, total: number) => onProgress({ phase: 'quantise', done, total, unit: 'bytes' });
      const files = await quantisedCopy(model.quantised(quantisation), onBytes, signal);
      const name = nameOfCopy(model.checkpoint.name, quantisation);
      const info = { origin: model.checkpoint.name, details: { family: model.checkpoint.description.modelType } };
      await this.#library.models.add(id, name, info, files, { signal });
    }
    const card = await this.openStored(id, onProgress);
    if (replaces) await this.#library.models.delete(originalId);
    return card;
  }

  delete(id: string): Promise<void> {
    return this.#library.models.delete(id);
  }

  async #keep(onProgress: OnProgress): Promise<StoredModelSummary> {
    const current = this.#current;
    if (!current) throw new UserError('No model is open. Choose one on the Model screen.');
    const { id, model, files } = current;
    const known = await this.#library.models.get(id);
    const { name, description } = model.checkpoint;
    const total = [...files.values()].reduce((sum, file) => sum + file.size, 0);
    const info = { origin: name, details: { family: description.modelType } };
    const record =
      known ??
      (await this.#library.models.add(id, name, info, files, {
        onProgress: (done) => onProgress({ phase: 'store', done, total, unit: 'bytes' }),
      }));
    current.isStored = true;
    return { id, name: record.name, bytes: record.byteLength, lastUsed: record.createdAt };
  }

  async #use(id: string, name: string, files: FileSet, onProgress: OnProgress): Promise<ModelCard> {
    onProgress({ phase: 'read', done: 0, total: 0, unit: 'bytes' });
    const model = await LoadedModel.open(files, name);
    this.#current?.model.unload();
    const isStored = (await this.#library.models.get(id).catch(() => undefined)) !== undefined;
    this.#current = { id, model, files, isStored };
    return modelCard(model, id, isStored);
  }
}

/** The dropped files by path; a single zip stands for what is in it. */
export async function filesOf(dropped: readonly ModelFile[]): Promise<FileSet> {
  const [only] = dropped;
  if (dropped.length === 1 && only?.path.toLowerCase().endsWith('.zip'))
    return stripCommonFolder(await unzipFiles(blobSource(only.blob, only.path)));
  return stripCommonFolder(new Map(dropped.map(({ path, blob }) => [path, blobSource(blob, path)])));
}

/** The dropped folder's name, or the only file's. */
function nameOf(dropped: readonly ModelFile[]): string {
  const [first] = dropped;
  if (!first) throw new UserError('Nothing was chosen. Choose a model folder or a GGUF file.');
  const slash = first.path.indexOf('/');
  if (slash > 0) return first.path.slice(0, slash);
  return dropped.length === 1 ? first.path : 'model';
}
