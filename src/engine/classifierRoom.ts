import type { DecodeImage } from '../data/images/decodeImage.ts';
import type { EncodedRow, ShownRow } from '../data/encodeRow.ts';
import { genericNames } from '../data/labels.ts';
import { blobSource } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import type { ProblemType } from '../models/family.ts';
import { isClassifier } from '../train/traceLoss.ts';
import type { AdapterRoom } from './adapterRoom.ts';
import type { ClassifyRequest, ClassifyResult } from './api.ts';
import { classify, unlabelledRow } from './classify.ts';
import type { LoadedModel } from './loadedModel.ts';
import type { Machine } from './machine.ts';
import { prepareImage } from './preparedImages.ts';
import { attachAdapter, type AttachedAdapter } from './preparedRun.ts';
import { quantisationOfChoice } from './quantisationFields.ts';
import { onTrainedWeights } from './quantisedModels.ts';
import { ownLabels } from './taskModel.ts';

/** Says what a classifier makes of a text or an image: the base model by its own head, or an adapter by the head it brings. */
export class ClassifierRoom {
  readonly #machine: Machine;
  readonly #adapters: AdapterRoom;
  readonly #decode: DecodeImage;
  readonly #attached = new Map<string, AttachedAdapter>();
  #model: LoadedModel | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(machine: Machine, adapters: AdapterRoom, decode: DecodeImage) {
    this.#machine = machine;
    this.#adapters = adapters;
    this.#decode = decode;
  }

  /** Resolves when nothing is being classified. */
  get ended(): Promise<unknown> {
    return this.#last;
  }

  /** One at a time: base and tuned model may have different heads, and only one of them is on the GPU. */
  classify(model: LoadedModel, request: ClassifyRequest): Promise<ClassifyResult> {
    const result = this.#last.then(() => this.#classify(model, request));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #classify(opened: LoadedModel, { adapterId, weights, input }: ClassifyRequest): Promise<ClassifyResult> {
    const wanted = adapterId === undefined ? weights : await this.#adapters.weights(adapterId);
    const model = onTrainedWeights(opened, quantisationOfChoice(wanted));
    const attached = adapterId === undefined ? undefined : await this.#attach(model, adapterId);
    const ready = attached?.model ?? model;
    const { description } = ready.checkpoint;
    if (!isClassifier(description))
      throw new UserError(
        `This ${attached ? 'adapter' : 'model'} writes text and has no classifier. Ask it a question instead.`,
      );
    if (!attached && ownLabels(model).length === 0)
      throw new UserError('This model has no trained classifier of its own. Choose an adapter that brings one.');
    const row = await this.#row(ready, input);
    const gpu = await this.#machine.gpu();
    const logits = await Promise.race([classify(gpu, ready, attached, row), this.#machine.lost]);
    return resultOf(ready, row, logits);
  }

  async #attach(model: LoadedModel, adapterId: string): Promise<AttachedAdapter> {
    if (this.#model !== model) this.#attached.clear();
    this.#model = model;
    const known = this.#attached.get(adapterId);
    if (known) return known;
    const attached = await attachAdapter(model, await this.#adapters.files(adapterId));
    this.#attached.set(adapterId, attached);
    return attached;
  }

  async #row(model: LoadedModel, input: ClassifyRequest['input']): Promise<EncodedRow | ShownRow> {
    const readsImages = model.checkpoint.description.image !== undefined;
    if ('image' in input) return prepareImage(model, blobSource(input.image.blob, input.image.path), this.#decode);
    if (readsImages) throw new UserError('This model reads images, not text. Choose an image.');
    return unlabelledRow(model, input.text);
  }
}

/** @param logits [labels], or of TOKEN_CLS [tokens, labels] */
function resultOf(model: LoadedModel, row: EncodedRow | ShownRow, logits: Float32Array): ClassifyResult {
  const { labels, checkpoint, hasTokenizer } = model;
  const { task, outputSize, labelNames, problemType = 'single_label_classification' } = checkpoint.description;
  const own = labelNames ?? genericNames(outputSize);
  const names = own.map((name, id) => labels?.id2label[String(id)] ?? name);
  if (task !== 'TOKEN_CLS' || !('text' in row)) {
    const values = likelihoods(logits, problemType);
    return { task, problemType, scores: names.map((label, id) => ({ label, value: values[id] ?? 0 })), tokens: [] };
  }
  let end = 0;
  const tokens = Array.from(row.ids, (id, i) => {
    const values = likelihoods(logits.subarray(i * outputSize, (i + 1) * outputSize), 'single_label_classification');
    const best = values.indexOf(Math.max(...values));
    // with what lies between it and the token before
    const text = row.text.slice(end, row.ends[i]) || model.tokenizer.decode([id]);
    end = Math.max(end, row.ends[i] ?? 0);
    const isSpecial = hasTokenizer && model.tokenizer.isSpecial(id);
    return { text, probability: values[best] ?? 0, ...(isSpecial ? {} : { label: names[best] ?? '' }) };
  });
  return { task, problemType, scores: [], tokens };
}

/** Logits as probabilities of classes that exclude each other, or of each alone; a regression's are its estimates. */
function likelihoods(logits: Float32Array, problemType: ProblemType): number[] {
  if (problemType === 'regression') return [...logits];
  if (problemType === 'multi_label_classification') return Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit)));
  const highest = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
