import { buildDataset, type DataReport } from '../data/dataset.ts';
import type { EncodedRow } from '../data/encodeRow.ts';
import { readRecords } from '../data/readRecords.ts';
import type { DataProblem, DataRecord } from '../data/records.ts';
import { splitRows } from '../data/split.ts';
import type { ByteSource } from '../formats/byteSource.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

export interface EncodingOptions {
  readonly maxLength: number;
  readonly lossOn: 'replies' | 'all';
}

/** A file of rows, encoded for one model. */
export interface PreparedData {
  readonly name: string;
  readonly records: readonly DataRecord[];
  readonly rows: readonly EncodedRow[];
  readonly report: DataReport;
  /** rows that could not be read, and rows that could not be used */
  readonly problems: readonly DataProblem[];
}

type OnRows = (phase: 'read' | 'tokenize', done: number, total: number) => void;

/** Reads and encodes a file. Rows that are broken or have nothing to learn are left out and reported; none left is a UserError. */
export async function prepareData(
  source: ByteSource,
  tokenizer: Tokenizer,
  options: EncodingOptions,
  onProgress?: OnRows,
): Promise<PreparedData> {
  const read = await readRecords(source, { onProgress: (done, total) => onProgress?.('read', done, total) });
  return encodeData(source.name, read.records, read.problems, tokenizer, options, onProgress);
}

/** The same records under other options. */
export async function encodeData(
  name: string,
  records: readonly DataRecord[],
  readProblems: readonly DataProblem[],
  tokenizer: Tokenizer,
  options: EncodingOptions,
  onProgress?: OnRows,
): Promise<PreparedData> {
  const { rows, report } = await buildDataset(
    records,
    tokenizer,
    { ...options, taskType: 'CAUSAL_LM' },
    (done, total) => onProgress?.('tokenize', done, total),
  );
  return { name, records, rows, report, problems: [...readProblems, ...report.problems] };
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
