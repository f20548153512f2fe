import { buildDataset, type DataReport } from '../data/dataset.ts';
import type { EncodedRow } from '../data/encodeRow.ts';
import type { KnownLabels, LabelMap } from '../data/labels.ts';
import { readRecords } from '../data/readRecords.ts';
import type { DataProblem, DataRecord } from '../data/records.ts';
import { splitRows } from '../data/split.ts';
import type { ByteSource } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import type { LoadedModel } from './loadedModel.ts';

export interface EncodingOptions {
  readonly maxLength: number;
  readonly lossOn: 'replies' | 'all';
}

/** What rows are encoded for: a model with the head of its task, and what is known of its labels. */
export interface EncodingTarget {
  readonly model: LoadedModel;
  readonly labels: KnownLabels | undefined;
}

/** A file of rows, encoded for one model. */
export interface PreparedData {
  readonly name: string;
  readonly records: readonly DataRecord[];
  readonly rows: readonly EncodedRow[];
  readonly report: DataReport;
  /** of a classifier */
  readonly labels: LabelMap | undefined;
  /** where the rows are images: the file of each */
  readonly images?: readonly { readonly path: string; readonly source: ByteSource }[];
  /** rows that could not be read, and rows that could not be used */
  readonly problems: readonly DataProblem[];
}

type OnRows = (phase: 'read' | 'tokenize', done: number, total: number) => void;

/** Reads and encodes a file. Rows that are broken or have nothing to learn are left out and reported; none left is a UserError. */
export async function prepareData(
  source: ByteSource,
  target: EncodingTarget,
  options: EncodingOptions,
  onProgress?: OnRows,
): Promise<PreparedData> {
  const read = await readRecords(source, { onProgress: (done, total) => onProgress?.('read', done, total) });
  return encodeData(source.name, read.records, read.problems, target, options, onProgress);
}

/** The same records under other options. */
export async function encodeData(
  name: string,
  records: readonly DataRecord[],
  readProblems: readonly DataProblem[],
  target: EncodingTarget,
  options: EncodingOptions,
  onProgress?: OnRows,
): Promise<PreparedData> {
  const { model, labels: known } = target;
  const { task } = model.checkpoint.description;
  if (task === 'IMAGE_CLS')
    throw new UserError(
      `${name} is a file of rows, and this model learns from images. Give a folder with one folder of images for each class.`,
    );
  const { rows, report, labels } = await buildDataset(
    records,
    model.tokenizer,
    {
      ...options,
      taskType: task,
      labels: known,
      decoderStartTokenId: model.checkpoint.description.decoderStartTokenId,
    },
    (done, total) => onProgress?.('tokenize', done, total),
  );
  return { name, records, rows, report, labels, problems: [...readProblems, ...report.problems] };
}

/** Rows to learn from and rows that are only measured: a file of their own, or a share held out. */
export function splitData(
  data: PreparedData,
  evaluation: PreparedData | undefined,
  ratio: number,
  seed: number,
): { rows: readonly EncodedRow[]; evalRows: readonly EncodedRow[] } {
  if (evaluation) return { rows: data.rows, evalRows: evaluation.rows };
  const split = splitRows(data.rows, ratio, seed);
  return { rows: split.train, evalRows: split.evaluation };
}
