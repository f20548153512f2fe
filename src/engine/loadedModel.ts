import { genericNames, type LabelMap } from '../data/labels.ts';
import type { FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { openCheckpoint, type Checkpoint } from '../models/checkpoint.ts';
import type { ModelDescription, TaskChoice } from '../models/family.ts';
import { quantiseCheckpoint } from '../models/quantiseCheckpoint.ts';
import { WeightStore, type LoadOptions } from '../models/weightStore.ts';
import type { Quantisation } from '../quant/quantise.ts';
import { tokenizerFromGguf } from '../tokenizer/ggufTokenizer.ts';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';
import { tokenizerJsonOf } from '../tokenizer/vocabularyFiles.ts';

/** Longest context that the rotary table is made for. */
const mostPositions = 8192;

/** Positions that the constant tables of such a model hold. */
export function positionsOf(description: Pick<ModelDescription, 'maxPositionEmbeddings'>): number {
  return Math.min(description.maxPositionEmbeddings, mostPositions);
}

/** What is on a GPU of a model and of all that is made of it (with another head, quantised): one of them at a time. */
interface Residence {
  weights?: { readonly gpu: Gpu; readonly checkpoint: Checkpoint; readonly store: WeightStore };
}

/** A model that is open: headers and tokenizer at once, the weights on the GPU when they are first needed. */
export class LoadedModel {
  readonly checkpoint: Checkpoint;
  /** what the outputs of a classifier stand for, where rows or an adapter have told */
  readonly labels: LabelMap | undefined;
  readonly #tokenizer: Tokenizer | undefined;
  readonly #whyNoTokenizer: string;
  readonly #residence: Residence;

  private constructor(
    checkpoint: Checkpoint,
    tokenizer: Tokenizer | undefined,
    whyNoTokenizer: string,
    residence: Residence,
    labels?: LabelMap,
  ) {
    this.checkpoint = checkpoint;
    this.labels = labels;
    this.#tokenizer = tokenizer;
    this.#whyNoTokenizer = whyNoTokenizer;
    this.#residence = residence;
  }

  /** Reads headers, config and tokenizer. A tokenizer that cannot be reproduced is refused only where text is needed. */
  static async open(files: FileSet, name: string): Promise<LoadedModel> {
    const checkpoint = await openCheckpoint(files, name);
    try {
      return new LoadedModel(checkpoint, readTokenizer(checkpoint), '', {});
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return new LoadedModel(checkpoint, undefined, error.message, {});
    }
  }

  /**
   * This model with the head of a task. Throws a UserError where the family has no such head, or where the checkpoint lacks what it
   * needs.
   */
  async forTask(choice: TaskChoice, labels?: LabelMap): Promise<LoadedModel> {
    const { checkpoint } = this;
    const { task, outputSize, problemType } = checkpoint.description;
    const isSame =
      choice.type === task &&
      (choice.numLabels ?? outputSize) === outputSize &&
      (choice.problemType ?? problemType) === problemType;
    if (isSame && labels === this.labels) return this;
    if (isSame) return this.#with(checkpoint, labels);
    const changed = await openCheckpoint(checkpoint.files, checkpoint.name, choice);
    return this.#with(changed, labels).quantised(checkpoint.quantisation);
  }

  /**
   * This model with its linears quantised while they are loaded. Throws a UserError where the weights are quantised already, or kernels
   * could not look up rows of an embedding in 8 bits.
   */
  quantised(quantisation: Quantisation | undefined): LoadedModel {
    if (!quantisation || this.checkpoint.quantisation) return this;
    return this.#with(quantiseCheckpoint(this.checkpoint, quantisation), this.labels);
  }

  #with(checkpoint: Checkpoint, labels: LabelMap | undefined): LoadedModel {
    return new LoadedModel(checkpoint, this.#tokenizer, this.#whyNoTokenizer, this.#residence, labels);
  }

  /** The model's own, with the names that rows or an adapter have given the labels. */
  get description(): ModelDescription {
    const { description } = this.checkpoint;
    if (!this.labels) return description;
    const { id2label } = this.labels;
    return { ...description, labelNames: genericNames(description.outputSize).map((name, id) => id2label[id] ?? name) };
  }

  get hasTokenizer(): boolean {
    return this.#tokenizer !== undefined;
  }

  /** Throws a UserError that says why there is none. */
  get tokenizer(): Tokenizer {
    if (!this.#tokenizer) throw new UserError(this.#whyNoTokenizer);
    return this.#tokenizer;
  }

  get whyNoTokenizer(): string {
    return this.#whyNoTokenizer;
  }

  /** Positions that the constant tables hold: what a row or a conversation may take. */
  get positions(): number {
    return positionsOf(this.checkpoint.description);
  }

  /** Tokens that a row may have; images are no rows of tokens. */
  get rowLimit(): number {
    return this.checkpoint.description.image ? Infinity : this.positions;
  }

  /** The weights on this GPU: what is not there yet is streamed to it. Those of a model made of this one, or that this one was made of, are freed. */
  async weightsOn(gpu: Gpu, options: LoadOptions = {}): Promise<WeightStore> {
    const { checkpoint } = this;
    const there = this.#residence.weights;
    if (there?.gpu !== gpu || there.checkpoint !== checkpoint) this.unload();
    const store = this.#residence.weights?.store ?? new WeightStore(gpu);
    try {
      await store.load(checkpoint, this.positions, options);
    } catch (error) {
      if (!this.#residence.weights) store.destroy();
      throw error;
    }
    this.#residence.weights = { gpu, checkpoint, store };
    return store;
  }

  /** Frees what is on the GPU. */
  unload(): void {
    this.#residence.weights?.store.destroy();
    this.#residence.weights = undefined;
  }

  /** Ids that end a reply: the model's own, the generation config's, and the tokenizer's. */
  stopIds(): ReadonlySet<number> {
    const { generationConfig, description } = this.checkpoint;
    const configured = (generationConfig as { eos_token_id?: unknown } | undefined)?.eos_token_id;
    const ids = [configured, description.eosTokenIds, this.#tokenizer?.eosTokenId].flat(2);
    return new Set(ids.filter((id): id is number => typeof id === 'number'));
  }
}

function readTokenizer(checkpoint: Checkpoint): Tokenizer {
  const { bosTokenId, padTokenId, eosTokenIds, vocabSize: embeddingRows } = checkpoint.description;
  const source = checkpoint.tokenizer;
  const known = { configIds: { eosTokenId: eosTokenIds[0], bosTokenId, padTokenId }, embeddingRows };
  if (source.kind === 'gguf') return loadTokenizer({ ...tokenizerFromGguf(source.metadata.all()), ...known });
  const tokenizerJson = source.files.tokenizerJson ?? tokenizerJsonOf(source.files, source.files.tokenizerConfig);
  if (tokenizerJson === undefined)
    throw new UserError(
      'The model has no tokenizer.json, so text cannot be turned into tokens. Add the tokenizer.json of the model.',
    );
  return loadTokenizer({ ...source.files, tokenizerJson, ...known });
}
