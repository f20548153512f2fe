import { UserError } from '../formats/errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { encodeRow, ignoredLabel } from './encodeRow.ts';
import type { EncodedRow, EncodeRowOptions, LossOn, TaskType } from './encodeRow.ts';
import { placeName } from './records.ts';
import type { DataProblem, DataRecord } from './records.ts';
import { yieldToEventLoop } from './yieldToEventLoop.ts';

export interface DatasetOptions {
  readonly maxLength: number;
  readonly taskType: TaskType;
  /** 'replies' by default */
  readonly lossOn?: LossOn;
  /** SEQ_CLS: names of the classes by number, as config.json's id2label has them; else names count up as they first appear */
  readonly classNames?: readonly string[];
}

export interface Dataset {
  readonly rows: readonly EncodedRow[];
  /** SEQ_CLS with named labels: the names by class number */
  readonly classNames: readonly string[];
  readonly report: DataReport;
}

/** What became of the records. */
export interface DataReport {
  /** rows kept */
  readonly rows: number;
  readonly tokens: number;
  /** tokens that the loss is taken on (the first token of a row is never predicted) */
  readonly learnedTokens: number;
  /** learnedTokens ÷ tokens */
  readonly shareLearned: number;
  /** indices into Dataset.rows of rows that were cut to maxLength */
  readonly cutRows: readonly number[];
  /** rows left out when encoding, above all those in which nothing is left to learn */
  readonly problems: readonly DataProblem[];
  readonly lengths: LengthHistogram;
  /** tokens of the longest row */
  readonly longest: number;
}

/** counts[i]: rows with a length in [i · binWidth, (i + 1) · binWidth). */
export interface LengthHistogram {
  readonly binWidth: number;
  readonly counts: readonly number[];
}

/** The event loop runs at least this often while rows are encoded. */
const sliceMilliseconds = 30;

/**
 * Encodes records, a slice of time at a time. Rows with nothing to learn (all of their reply was cut off, say) are left out
 * and reported. Throws a UserError where none is left, or where the model lacks what all rows need.
 */
export async function buildDataset(
  records: readonly DataRecord[],
  tokenizer: Tokenizer,
  options: DatasetOptions,
  onProgress?: (encoded: number, total: number) => void,
): Promise<Dataset> {
  const classNames = options.taskType === 'SEQ_CLS' ? nameClasses(records, options.classNames) : [];
  const rowOptions: EncodeRowOptions = {
    maxLength: options.maxLength,
    taskType: options.taskType,
    lossOn: options.lossOn ?? 'replies',
    classIds: new Map(classNames.map((name, id) => [name, id])),
  };
  const rows: EncodedRow[] = [];
  const problems: DataProblem[] = [];
  let sliceStart = performance.now();
  for (const [index, record] of records.entries()) {
    const row = tryEncode(record, tokenizer, rowOptions);
    if (typeof row === 'string') problems.push({ place: record.place, message: row });
    else rows.push(row);
    if (performance.now() - sliceStart > sliceMilliseconds) {
      onProgress?.(index + 1, records.length);
      await yieldToEventLoop();
      sliceStart = performance.now();
    }
  }
  onProgress?.(records.length, records.length);
  refuseEmpty(rows, problems);
  return { rows, classNames, report: reportOn(rows, problems) };
}

/** The row without the text and spans that only showing it needs, or why it is left out. */
function tryEncode(record: DataRecord, tokenizer: Tokenizer, options: EncodeRowOptions): EncodedRow | string {
  try {
    const { ids, labels, cut, classId, typeIds } = encodeRow(record, tokenizer, options);
    if (options.taskType === 'CAUSAL_LM' && countLearned(labels) === 0) {
      if (cut)
        return `has nothing to learn: its reply begins after the first ${options.maxLength} tokens. Raise max_length.`;
      return 'has nothing to learn: it has no reply.';
    }
    return { ids, labels, cut, ...(classId === undefined ? {} : { classId }), ...(typeIds ? { typeIds } : {}) };
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** The first token of a row has none before it to be predicted from. */
function countLearned(labels: Int32Array): number {
  let count = 0;
  for (let i = 1; i < labels.length; i++) if (labels[i] !== ignoredLabel) count++;
  return count;
}

function refuseEmpty(rows: readonly EncodedRow[], problems: readonly DataProblem[]): void {
  if (rows.length > 0) return;
  const [first] = problems;
  if (!first) throw new UserError('The data set has no rows. Add some.');
  const isForAll = problems.every(({ message }) => message === first.message);
  throw new UserError(
    isForAll && /^[A-Z]/.test(first.message)
      ? first.message
      : `None of the ${problems.length} rows can be trained on. The first, ${placeName(first.place)}: ${first.message}`,
  );
}

/** Names in the order of the model's own list where it holds them all, else in order of first appearance. */
function nameClasses(records: readonly DataRecord[], known: readonly string[] = []): string[] {
  const names = new Set<string>();
  for (const record of records)
    if (record.kind === 'labelled' && typeof record.label === 'string') names.add(record.label);
  const isKnown = [...names].every((name) => known.includes(name));
  return isKnown ? [...known] : [...names];
}

const mostBins = 40;

function reportOn(rows: readonly EncodedRow[], problems: readonly DataProblem[]): DataReport {
  let tokens = 0;
  let learnedTokens = 0;
  let longest = 0;
  for (const { ids, labels } of rows) {
    tokens += ids.length;
    learnedTokens += countLearned(labels);
    longest = Math.max(longest, ids.length);
  }
  const binWidth = Math.max(1, Math.ceil((longest + 1) / mostBins));
  const counts = new Array<number>(Math.floor(longest / binWidth) + 1).fill(0);
  for (const { ids } of rows) counts[Math.floor(ids.length / binWidth)]! += 1;
  return {
    rows: rows.length,
    tokens,
    learnedTokens,
    shareLearned: tokens === 0 ? 0 : learnedTokens / tokens,
    cutRows: rows.flatMap(({ cut }, index) => (cut ? [index] : [])),
    problems,
    lengths: { binWidth, counts },
    longest,
  };
}
