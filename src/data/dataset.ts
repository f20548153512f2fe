import { UserError } from '../formats/errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { encodeRow, ignoredLabel } from './encodeRow.ts';
import type { EncodedRow, EncodeRowOptions, LossOn, TaskType } from './encodeRow.ts';
import { reportLabels } from './labelReport.ts';
import type { LabelReport } from './labelReport.ts';
import { resolveLabels } from './labels.ts';
import type { KnownLabels, LabelMap, LabelScheme, PlacedLabel } from './labels.ts';
import { placeName } from './records.ts';
import type { DataProblem, DataRecord } from './records.ts';
import { yieldToEventLoop } from './yieldToEventLoop.ts';

export interface DatasetOptions {
  readonly maxLength: number;
  readonly taskType: TaskType;
  /** 'replies' by default */
  readonly lossOn?: LossOn;
  /** SEQ_CLS, TOKEN_CLS: labels that the model, its adapter or the rows trained on have already */
  readonly labels?: KnownLabels;
  /** SEQ_2_SEQ_LM: from config.json */
  readonly decoderStartTokenId?: number;
}

export interface Dataset {
  readonly rows: readonly EncodedRow[];
  /** SEQ_CLS, TOKEN_CLS: what the outputs of the head stand for */
  readonly labels?: LabelMap;
  readonly report: DataReport;
}

/** What became of the records. */
export interface DataReport {
  /** rows kept */
  readonly rows: number;
  /** those of target sequences included */
  readonly tokens: number;
  /** targets that the loss is taken on: tokens (the first of a text is never predicted), words, or one a classified row */
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
  /** SEQ_CLS, TOKEN_CLS */
  readonly labels?: LabelReport;
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
 * and reported. Throws a UserError where none is left, where the model lacks what all rows need, or where a label does not fit.
 */
export async function buildDataset(
  records: readonly DataRecord[],
  tokenizer: Tokenizer,
  options: DatasetOptions,
  onProgress?: (encoded: number, total: number) => void,
): Promise<Dataset> {
  const scheme = labelScheme(records, options);
  const rowOptions: EncodeRowOptions = {
    maxLength: options.maxLength,
    taskType: options.taskType,
    lossOn: options.lossOn ?? 'replies',
    ...(scheme ? { labels: scheme } : {}),
    ...(options.decoderStartTokenId === undefined ? {} : { decoderStartTokenId: options.decoderStartTokenId }),
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
  const report = reportOn(rows, problems);
  if (!scheme) return { rows, report };
  return { rows, labels: scheme.map, report: { ...report, labels: reportLabels(rows, scheme.map) } };
}

function labelScheme(records: readonly DataRecord[], { taskType, labels }: DatasetOptions): LabelScheme | undefined {
  if (taskType !== 'SEQ_CLS' && taskType !== 'TOKEN_CLS') return undefined;
  const placed = records.flatMap((record): PlacedLabel[] => {
    const where = placeName(record.place);
    if (taskType === 'SEQ_CLS') return record.kind === 'labelled' ? [{ label: record.label, where }] : [];
    return record.kind === 'tokens' ? [{ label: record.labels, where }] : [];
  });
  return resolveLabels(placed, labels, taskType === 'TOKEN_CLS');
}

/** The row without the text and spans that only showing it needs, or why it is left out. */
function tryEncode(record: DataRecord, tokenizer: Tokenizer, options: EncodeRowOptions): EncodedRow | string {
  try {
    const { ids, labels, cut, typeIds, target } = encodeRow(record, tokenizer, options);
    const row = { ids, labels, cut, ...(typeIds ? { typeIds } : {}), ...(target ? { target } : {}) };
    return whyUseless(row, options) ?? row;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** Why nothing can be learned from a row. */
function whyUseless(row: EncodedRow, { taskType, maxLength }: EncodeRowOptions): string | undefined {
  if (taskType === 'CAUSAL_LM') {
    if (countTargets(row) > 0) return undefined;
    if (row.cut) return `has nothing to learn: its reply begins after the first ${maxLength} tokens. Raise max_length.`;
    return 'has nothing to learn: it has no reply.';
  }
  if (!row.target) return `has nothing to learn: it has no ${taskType === 'SEQ_2_SEQ_LM' ? 'target' : 'label'}.`;
  return countTargets(row) > 0 ? undefined : 'has nothing to learn: none of its words becomes a token.';
}

function countTargets({ labels, target }: EncodedRow): number {
  if (target?.kind === 'sequence') return target.ids.length;
  if (target?.kind === 'class' || target?.kind === 'values') return 1;
  // the first token of a text has none before it to be predicted from
  const first = target?.kind === 'tokenClasses' ? 0 : 1;
  let count = 0;
  for (let i = first; i < labels.length; i++) if (labels[i] !== ignoredLabel) count++;
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

const mostBins = 40;

function reportOn(rows: readonly EncodedRow[], problems: readonly DataProblem[]): DataReport {
  let tokens = 0;
  let learnedTokens = 0;
  let longest = 0;
  for (const row of rows) {
    const { ids, target } = row;
    tokens += ids.length + (target?.kind === 'sequence' ? target.ids.length : 0);
    learnedTokens += countTargets(row);
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
