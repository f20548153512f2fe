import { yieldToEventLoop } from '../data/yieldToEventLoop.ts';
import { combinations } from '../peft/algebra/combinations.ts';
import type { OnModule } from '../peft/algebra/loraContent.ts';
import type { AdapterContent } from '../peft/method.ts';
import type { FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import { blendFolders, convertFolder, filesOfContent } from './adapterAlgebra.ts';
import type { AdapterRoom } from './adapterRoom.ts';
import type {
  AdapterSummary,
  BlendOptions,
  CombinationDescription,
  ConvertedAdapter,
  KeptRank,
  OnProgress,
} from './api.ts';
import type { LoadedModel } from './loadedModel.ts';
import { countElements } from './modelCard.ts';
import { quantisationOfChoice } from './quantisationFields.ts';
import { onTrainedWeights } from './quantisedModels.ts';

/** For the form: what each combination does and asks for. */
export function describeCombinations(): CombinationDescription[] {
  const ranks = { factors: 'equal', updates: 'chosen', sides: 'sum' } as const;
  return combinations.map(({ name, help, merges, rule }) => ({
    name,
    help,
    rank: ranks[merges],
    needsDensity: rule.pruning !== undefined,
    electsSign: rule.electsSign,
    isRandom: rule.pruning === 'random',
  }));
}

/** Makes new adapters of those in the library. */
export class AdapterWorkshop {
  readonly #adapters: AdapterRoom;

  constructor(adapters: AdapterRoom) {
    this.#adapters = adapters;
  }

  async blend(
    ids: readonly string[],
    weights: readonly number[],
    { name, ...options }: BlendOptions,
    onProgress: OnProgress,
  ): Promise<AdapterSummary> {
    const found = await Promise.all(ids.map((id) => this.#find(id)));
    const folders = found.map(({ summary, files }, i) => ({ name: summary.name, weight: weights[i] ?? NaN, files }));
    const content = await blendFolders(folders, options, reporting(onProgress));
    const names = folders.map((folder) => folder.name).join(' + ');
    return this.#keep(name ?? `${names} (${options.combination})`, content, found);
  }

  async convert(model: LoadedModel, id: string, kept: KeptRank, onProgress: OnProgress): Promise<ConvertedAdapter> {
    const found = await this.#find(id);
    const base = onTrainedWeights(model, quantisationOfChoice(found.summary.weights));
    const { content, energy } = await convertFolder(base, found.files, kept, reporting(onProgress));
    const adapter = await this.#keep(`${found.summary.name} as LoRA`, content, [found]);
    return { adapter, energy: energy.overall, energyByModule: Object.fromEntries(energy.modules) };
  }

  async #find(id: string): Promise<{ summary: AdapterSummary; files: FileSet }> {
    const summary = (await this.#adapters.list()).find((adapter) => adapter.id === id);
    if (!summary) throw new UserError('This adapter is no longer there. Choose another one.');
    return { summary, files: await this.#adapters.files(id) };
  }

  async #keep(
    name: string,
    content: AdapterContent,
    sources: readonly { readonly summary: AdapterSummary; readonly files: FileSet }[],
  ): Promise<AdapterSummary> {
    const id = crypto.randomUUID();
    await this.#adapters.add({
      id,
      name,
      peftType: String(content.config['peft_type']),
      baseModel: sources[0]?.summary.baseModel ?? '',
      parameters: countElements(content.tensors.values()),
      weights: commonWeights(sources.map(({ summary }) => summary)),
      files: await filesOfContent(
        content,
        sources.map(({ files }) => files),
      ),
    });
    return (await this.#find(id)).summary;
  }
}

/** What all of the adapters were trained on, where that is one thing. */
function commonWeights([first, ...others]: readonly AdapterSummary[]): AdapterSummary['weights'] {
  const key = JSON.stringify(first?.weights);
  return others.every(({ weights }) => JSON.stringify(weights) === key) ? first?.weights : undefined;
}

function reporting(onProgress: OnProgress): OnModule {
  return (done, total) => {
    onProgress({ phase: 'export', done, total, unit: 'modules' });
    return yieldToEventLoop();
  };
}
