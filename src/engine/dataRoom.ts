import type { DecodeImage } from '../data/images/decodeImage.ts';
import { fixedLabels, type KnownLabels } from '../data/labels.ts';
import type { FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import type { DataCard, DataOptions, ImageView, ModelFile, OnProgress, RowView } from './api.ts';
import { dataCard } from './dataCard.ts';
import {
  filesOfData,
  folderName,
  joinFiles,
  onlyPart,
  partFiles,
  refuseOtherKind,
  soleFile,
  type DataFiles,
} from './droppedData.ts';
import { imageViews, rowView } from './dataViews.ts';
import type { LoadedModel } from './loadedModel.ts';
import { prepareData, type PreparedData } from './preparedData.ts';
import { prepareImages } from './preparedImages.ts';
import { knownLabels, modelForTask } from './taskModel.ts';

/** What a run is given of the open data. */
export interface OpenRows {
  /** all that the rows came from, as a run keeps it */
  readonly files: FileSet;
  readonly data: PreparedData;
  readonly evaluation?: PreparedData;
}

interface OpenData {
  /** another one each time that rows are read */
  readonly id: string;
  readonly files: DataFiles;
  readonly data: PreparedData;
  readonly evaluation?: PreparedData;
  readonly options: DataOptions;
  /** the model that the rows were opened for, and the same with the head of their task */
  readonly openedFor: LoadedModel;
  readonly model: LoadedModel;
  /** why the rows cannot be used as they were last asked for */
  readonly fault?: UserError;
}

/** The rows or images that are open, read for the open model and the task. */
export class DataRoom {
  readonly #decode: DecodeImage;
  #open: OpenData | undefined;

  constructor(decode: DecodeImage) {
    this.#decode = decode;
  }

  /** Throws a UserError when no data is open, or when it does not fit what it was last asked for. */
  get current(): OpenRows {
    const { files, data, evaluation, fault } = this.#opened;
    if (fault) throw fault;
    return { files: joinFiles(files), data, evaluation };
  }

  /** the open data's card; null when none is open that can be used */
  get card(): DataCard | null {
    return this.#open && !this.#open.fault ? cardOf(this.#open) : null;
  }

  get #opened(): OpenData {
    if (!this.#open) throw new UserError('No data is open. Choose some on the Data screen.');
    return this.#open;
  }

  async open(
    dropped: readonly ModelFile[],
    model: LoadedModel,
    options: DataOptions,
    onProgress: OnProgress,
  ): Promise<DataCard> {
    const learned = await filesOfData(dropped);
    return this.#take(await this.#read({ learned, measured: undefined }, model, options, onProgress));
  }

  /** The files of a run as `current` gives them. */
  async openFiles(files: FileSet, model: LoadedModel, options: DataOptions, onProgress: OnProgress): Promise<DataCard> {
    return this.#take(await this.#read(partFiles(files), model, options, onProgress));
  }

  /** Takes evaluation rows from elsewhere beside the open rows, or with no files gives them up. */
  async openEvaluation(dropped: readonly ModelFile[], model: LoadedModel, onProgress: OnProgress): Promise<DataCard> {
    const { files, data, evaluation, options } = this.#opened;
    if (dropped.length > 0) {
      const measured = await filesOfData(dropped);
      return this.#take(await this.#read({ ...files, measured }, model, options, onProgress, data));
    }
    const ownPart = files.measured || !evaluation ? undefined : data.images?.[0]?.path.split('/')[0];
    const learned = ownPart === undefined ? files.learned : onlyPart(files.learned, ownPart);
    return this.#take(await this.#read({ learned, measured: undefined }, model, options, onProgress, data));
  }

  /** The same rows under other options, or for another model. Where they do not fit, they are kept and cannot be used. */
  async reopen(model: LoadedModel, options: DataOptions, onProgress: OnProgress): Promise<DataCard> {
    const open = this.#opened;
    if (!open.fault && open.openedFor === model && isReadAlike(open, options)) return this.#take({ ...open, options });
    try {
      return this.#take(await this.#read(open.files, model, options, onProgress));
    } catch (error) {
      if (error instanceof UserError) this.#open = { ...open, options, fault: error };
      throw error;
    }
  }

  /** A row as the model sees it: each token, and whether it is learned. */
  row(index: number): RowView {
    const { data, options, model } = this.#opened;
    return rowView(data, index, model, options);
  }

  images(count: number, label: string | undefined): Promise<ImageView[]> {
    return imageViews(this.#opened.data, count, label);
  }

  #take(open: OpenData): DataCard {
    this.#open = open;
    return cardOf(open);
  }

  /** @param known the rows to learn from, where they are read already */
  async #read(
    files: DataFiles,
    openedFor: LoadedModel,
    options: DataOptions,
    onProgress: OnProgress,
    known?: PreparedData,
  ): Promise<OpenData> {
    const task = { task_type: options.taskType, problem_type: options.problemType };
    const model = await modelForTask(openedFor, task);
    const read = (part: FileSet, labels: KnownLabels | undefined) =>
      this.#prepare(part, model, labels, options, onProgress);
    const { data, evaluation: own } = known
      ? { data: known, evaluation: undefined }
      : await read(files.learned, knownLabels(model, task));
    // evaluation rows may not add to the labels of the rows that are learned
    const evaluation = files.measured
      ? (await read(files.measured, data.labels && fixedLabels(data.labels))).data
      : own;
    return { id: crypto.randomUUID(), files, data, evaluation, options, openedFor, model };
  }

  async #prepare(
    files: FileSet,
    model: LoadedModel,
    labels: KnownLabels | undefined,
    options: DataOptions,
    onProgress: OnProgress,
  ): Promise<{ data: PreparedData; evaluation?: PreparedData }> {
    const readsImages = model.checkpoint.description.image !== undefined;
    refuseOtherKind(files, readsImages);
    const target = { model, labels };
    const tell = (phase: 'read' | 'tokenize', done: number, total: number): void =>
      onProgress({ phase, done, total, unit: phase === 'read' && !readsImages ? 'bytes' : 'rows' });
    if (readsImages)
      return prepareImages(folderName(files), files, target, this.#decode, (done, total) => tell('read', done, total));
    return { data: await prepareData(soleFile(files), target, options, tell) };
  }
}

function cardOf({ id, data, evaluation, options, model }: OpenData): DataCard {
  return dataCard(id, data, evaluation, options.valSplitRatio, model.checkpoint.description.task);
}

/** Whether the open rows would be read the same under these options. */
function isReadAlike({ data, options: before }: OpenData, after: DataOptions): boolean {
  const isSameText = before.maxLength === after.maxLength && before.lossOn === after.lossOn;
  const isSameTask = before.taskType === after.taskType && before.problemType === after.problemType;
  return isSameTask && (isSameText || data.images !== undefined);
}
