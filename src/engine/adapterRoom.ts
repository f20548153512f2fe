import { baseModelOf } from '../formats/adapterContent.ts';
import { memorySource, readText, type FileSet } from '../formats/byteSource.ts';
import { readAdapterFolder } from '../formats/adapterFolder.ts';
import { zipFiles } from '../formats/zip.ts';
import { readAdapterFields } from '../peft/adapterConfig.ts';
import { methodOfConfig } from '../peft/registry.ts';
import type { Library, StoredAdapter } from '../storage/library.ts';
import type { AdapterSettings, AdapterSummary, ModelFile, WeightsChoice } from './api.ts';
import { countElements } from './modelCard.ts';
import { filesOf } from './modelRoom.ts';
import { choiceOf, quantisationOf } from './quantisationFields.ts';
import { parseRunFile } from './runFile.ts';

export interface FinishedAdapter {
  readonly id: string;
  readonly name: string;
  readonly peftType: string;
  readonly baseModel: string;
  readonly runId?: string;
  readonly parameters: number;
  /** the weights that it was trained on, where that is known */
  readonly weights?: WeightsChoice;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Adapters made here or brought in. One that cannot be stored is kept in memory, so that it can still be used and downloaded. */
export class AdapterRoom {
  readonly #library: Library;
  readonly #inMemory = new Map<string, { summary: AdapterSummary; files: FileSet }>();

  constructor(library: Library) {
    this.#library = library;
  }

  async list(): Promise<AdapterSummary[]> {
    const stored = await this.#library.adapters.list().catch(() => []);
    return [...[...this.#inMemory.values()].map(({ summary }) => summary), ...stored.map(summaryOf)];
  }

  async files(id: string): Promise<FileSet> {
    return this.#inMemory.get(id)?.files ?? this.#library.adapters.open(id);
  }

  /** Keeps a finished adapter; resolves to whether it is stored on the device. */
  async add(adapter: FinishedAdapter): Promise<boolean> {
    const { id, name, peftType, baseModel, runId, parameters, weights } = adapter;
    const files = new Map([...adapter.files].map(([path, bytes]) => [path, memorySource(bytes, path)]));
    try {
      await this.#library.adapters.add(
        id,
        name,
        { peftType, baseModel, runId, details: { parameters, weights } },
        files,
      );
      return true;
    } catch {
      const bytes = [...adapter.files.values()].reduce((sum, file) => sum + file.byteLength, 0);
      const summary = { id, name, peftType, baseModel, bytes, parameters, createdAt: Date.now(), runId, weights };
      this.#inMemory.set(id, { summary, files });
      return false;
    }
  }

  /** Throws a UserError where the files are not an adapter that PEFT or AdapterHub saved. */
  async import(dropped: readonly ModelFile[]): Promise<AdapterSummary> {
    const files = await filesOf(dropped);
    const { config, tensors } = await readAdapterFolder(files);
    const id = crypto.randomUUID();
    const name = dropped[0]?.path.split('/')[0] ?? 'adapter';
    const info = {
      peftType: methodOfConfig(config).peftType,
      baseModel: baseModelOf(config),
      details: { parameters: countElements(tensors.values()), weights: await weightsOfRun(files) },
    };
    return summaryOf(await this.#library.adapters.add(id, name, info, files));
  }

  /** The method's fields by the adapter's config; throws a UserError where that asks for what is not supported. */
  async settings(id: string): Promise<AdapterSettings> {
    const { config } = await readAdapterFolder(await this.files(id));
    const kept = (await this.list()).find((summary) => summary.id === id);
    const method = methodOfConfig(config, kept?.peftType);
    return { peftType: method.peftType, fields: readAdapterFields(method, config) };
  }

  /** The weights that an adapter was trained on, where that is known. */
  async weights(id: string): Promise<WeightsChoice | undefined> {
    return (await this.list()).find((summary) => summary.id === id)?.weights;
  }

  async delete(id: string): Promise<void> {
    if (!this.#inMemory.delete(id)) await this.#library.adapters.delete(id);
  }

  async export(id: string): Promise<{ name: string; blob: Blob }> {
    const name = (await this.list()).find((summary) => summary.id === id)?.name ?? 'adapter';
    return { name: `${name.replace(/[^\w.-]+/g, '-')}.zip`, blob: await zipFiles(await this.files(id)) };
  }
}

function summaryOf({
  id,
  name,
  peftType,
  baseModel,
  runId,
  details,
  byteLength,
  createdAt,
}: StoredAdapter): AdapterSummary {
  const parameters = typeof details['parameters'] === 'number' ? details['parameters'] : 0;
  const weights = details['weights'] as WeightsChoice | undefined;
  return { id, name, peftType, baseModel, bytes: byteLength, parameters, createdAt, runId, weights };
}

/** An adapter that Graft made brings the run file that it was trained with; a file of another tool's says nothing. */
async function weightsOfRun(files: FileSet): Promise<WeightsChoice | undefined> {
  const runFile = files.get('run.yaml');
  if (!runFile) return undefined;
  try {
    return choiceOf(quantisationOf(parseRunFile(await readText(runFile), runFile.name)));
  } catch {
    return undefined;
  }
}
