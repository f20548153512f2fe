import { encodeRow, ignoredLabel } from '../data/encodeRow.ts';
import { fixedLabels, type KnownLabels } from '../data/labels.ts';
import { placeName, type DataProblem } from '../data/records.ts';
import type { ByteSource, FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import type { DataCard, DataOptions, ModelFile, OnProgress, RowView, TokenView } from './api.ts';
import type { LoadedModel } from './loadedModel.ts';
import { filesOf } from './modelRoom.ts';
import { encodeData, prepareData, splitData, type EncodingTarget, type PreparedData } from './preparedData.ts';
import { knownLabels, modelForTask } from './taskModel.ts';

/** Longest list of line numbers that a problem shows. */
const shownLines = 20;
/** Rows a split is drawn by on screen; the run draws its own by its seed. */
const splitSeed = 42;

/** Where the file of evaluation rows lies among the files of a run. */
const evaluationFolder = 'evaluation/';

interface OpenData {
  /** the file of rows and, in a folder of its own, the file of evaluation rows */
  readonly files: FileSet;
  readonly data: PreparedData;
  readonly evaluation?: PreparedData;
  readonly options: DataOptions;
}

/** The rows that are open, encoded for the open model. */
export class DataRoom {
  #current: OpenData | undefined;

  /** Throws a UserError when no data is open. */
  get current(): OpenData {
    if (!this.#current) throw new UserError('No data is open. Choose a file on the Data screen.');
    return this.#current;
  }

  /** the open data's card; null when none is open */
  get card(): DataCard | null {
    return this.#current ? this.#card() : null;
  }

  async open(
    dropped: readonly ModelFile[],
    model: LoadedModel,
    options: DataOptions,
    onProgress: OnProgress,
  ): Promise<DataCard> {
    return this.openFiles(await filesOf(dropped), model, options, onProgress);
  }

  /** The files of a run as `current` keeps them. */
  async openFiles(files: FileSet, model: LoadedModel, options: DataOptions, onProgress: OnProgress): Promise<DataCard> {
    const isEvaluation = ([path]: readonly [string, ByteSource]) => path.startsWith(evaluationFolder);
    const source = soleFile([...files].filter((file) => !isEvaluation(file)));
    const measured = [...files].filter(isEvaluation);
    const target = await targetOf(model, options);
    const prepare = (file: ByteSource, labels = target.labels) =>
      prepareData(file, { ...target, labels }, options, tell(onProgress));
    const data = await prepare(source);
    this.#current = {
      files,
      data,
      evaluation: measured.length > 0 ? await prepare(soleFile(measured), learnedLabels(data)) : undefined,
      options,
    };
    return this.#card();
  }

  /** Takes a file of evaluation rows beside the open rows, or with no files gives it up. */
  async openEvaluation(dropped: readonly ModelFile[], model: LoadedModel, onProgress: OnProgress): Promise<DataCard> {
    const { files, data, options } = this.current;
    const rows = [...files].filter(([path]) => !path.startsWith(evaluationFolder));
    if (dropped.length === 0) {
      this.#current = { files: new Map(rows), data, options };
      return this.#card();
    }
    const source = soleFile([...(await filesOf(dropped))]);
    const target = { ...(await targetOf(model, options)), labels: learnedLabels(data) };
    const evaluation = await prepareData(source, target, options, tell(onProgress));
    this.#current = { files: new Map([...rows, [evaluationFolder + source.name, source]]), data, evaluation, options };
    return this.#card();
  }

  /** The same rows under other options, or for another model. */
  async reopen(model: LoadedModel, options: DataOptions, onProgress: OnProgress): Promise<DataCard> {
    const { files, data, evaluation } = this.current;
    const target = await targetOf(model, options);
    const encode = ({ name, records, problems, report }: PreparedData, labels = target.labels) => {
      const read = problems.filter((problem) => !report.problems.includes(problem));
      return encodeData(name, records, read, { ...target, labels }, options, tell(onProgress));
    };
    const learned = await encode(data);
    const measured = evaluation && (await encode(evaluation, learnedLabels(learned)));
    this.#current = { files, data: learned, evaluation: measured, options };
    return this.#card();
  }

  /** A row as the model sees it: each token, and whether it is learned. */
  row(index: number, model: LoadedModel): RowView {
    const { data, options } = this.current;
    const record = data.records[index];
    if (!record) throw new UserError(`There is no row ${index + 1}; there are ${data.records.length}.`);
    const { tokenizer } = model;
    const whole = { taskType: 'CAUSAL_LM', lossOn: options.lossOn, maxLength: Number.MAX_SAFE_INTEGER } as const;
    const row = encodeRow(record, tokenizer, whole);
    const tokens = Array.from(row.ids, (id, i): TokenView => {
      const part = i >= options.maxLength ? 'cut' : i > 0 && row.labels[i] !== ignoredLabel ? 'learned' : 'context';
      const text = row.text.slice(row.starts[i], row.ends[i]) || tokenizer.decode([id]);
      return { id, text, part, special: tokenizer.isSpecial(id) };
    });
    const { place: _, ...raw } = record;
    return { index, raw: JSON.stringify(raw, null, 2), rendered: row.text, tokens };
  }

  #card(): DataCard {
    const { data, evaluation, options } = this.current;
    const { report } = data;
    const { rows, evalRows } = splitData(data, evaluation, options.valSplitRatio, splitSeed);
    return {
      id: `${data.name}:${data.records.length}`,
      name: data.name,
      format: formatOf(data),
      rows: rows.length,
      evalRows: evalRows.length,
      evalName: evaluation?.name,
      tokens: report.tokens,
      learnedTokens: report.learnedTokens,
      cutRows: report.cutRows.length,
      droppedRows: data.problems.length,
      longestRow: data.rows.reduce((most, { ids }) => Math.max(most, ids.length), 0),
      lengthHistogram: report.lengths.counts.map((count, i) => ({
        upTo: (i + 1) * report.lengths.binWidth,
        rows: count,
      })),
      problems: gather(data.problems),
    };
  }
}

/** What rows are encoded for under these options. */
async function targetOf(model: LoadedModel, { taskType, problemType }: DataOptions): Promise<EncodingTarget> {
  const task = { task_type: taskType, problem_type: problemType };
  const forTask = await modelForTask(model, task);
  return { model: forTask, labels: knownLabels(forTask, task) };
}

/** Evaluation rows may not add to the labels of the rows that are learned. */
function learnedLabels({ labels }: PreparedData): KnownLabels | undefined {
  return labels && fixedLabels(labels);
}

function soleFile(files: readonly (readonly [string, ByteSource])[]): ByteSource {
  const [only, ...others] = files;
  if (!only) throw new UserError('Nothing was chosen. Choose a jsonl, json, csv or txt file.');
  if (others.length > 0) throw new UserError(`${others.length + 1} files were chosen. Choose one file of rows.`);
  return only[1];
}

function tell(onProgress: OnProgress): (phase: 'read' | 'tokenize', done: number, total: number) => void {
  return (phase, done, total) => onProgress({ phase, done, total, unit: phase === 'read' ? 'bytes' : 'rows' });
}

const kindNames: Readonly<Record<string, string>> = {
  text: 'plain text',
  promptCompletion: 'prompt and completion',
  instruction: 'instructions (Alpaca)',
  messages: 'chats',
  labelled: 'labelled text',
};

function formatOf({ name, records }: PreparedData): string {
  const kinds = [...new Set(records.map(({ kind }) => kindNames[kind] ?? kind))];
  return `${name.split('.').at(-1) ?? 'file'}: ${kinds.join(', ')}`;
}

function gather(problems: readonly DataProblem[]): DataCard['problems'] {
  const byMessage = new Map<string, DataProblem[]>();
  for (const problem of problems) byMessage.set(problem.message, [...(byMessage.get(problem.message) ?? []), problem]);
  return [...byMessage].map(([message, same]) => ({
    message: same.length === 1 && same[0] ? `${placeName(same[0].place)}: ${message}` : message,
    count: same.length,
    lines: same.slice(0, shownLines).map(({ place }) => place.number),
  }));
}
