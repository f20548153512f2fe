import type { EncodedRow } from '../data/encodedRow.ts';
import { placeName, type DataProblem, type DataRecord } from '../data/records.ts';
import type { TaskType } from '../models/family.ts';
import type { DataCard, LabelSummary } from './api.ts';
import { splitData, type PreparedData } from './preparedData.ts';

/** Longest list of line numbers that a problem shows. */
const shownLines = 20;
/** Rows a split is drawn by on screen; the run draws its own by its seed. */
const splitSeed = 42;

/**
 * What the Data screen shows of the open rows.
 * @param id of the reading: rows that are read anew get another
 */
export function dataCard(
  id: string,
  data: PreparedData,
  evaluation: PreparedData | undefined,
  valSplitRatio: number,
  taskType: TaskType,
): DataCard {
  const { report } = data;
  const { rows, evalRows } = splitData(data, evaluation, valSplitRatio, splitSeed);
  const labels = labelSummary(data);
  return {
    id,
    name: data.name,
    format: formatOf(data, taskType),
    taskType,
    ...(labels && { labels }),
    rows: rows.length,
    evalRows: evalRows.length,
    evalName: evaluation?.name,
    tokens: report.tokens,
    learnedTokens: report.learnedTokens,
    cutRows: report.cutRows.length,
    droppedRows: data.problems.length,
    longestRow: data.rows.reduce((most, row) => Math.max(most, longestSequence(row)), 0),
    lengthHistogram: report.lengths.counts.map((count, i) => ({
      upTo: (i + 1) * report.lengths.binWidth,
      rows: count,
    })),
    problems: gather(data.problems),
  };
}

function labelSummary({ labels, report }: PreparedData): LabelSummary | undefined {
  if (!labels || !report.labels) return undefined;
  const { counts, values } = report.labels;
  return { problemType: labels.problemType, counts, ...(values && { values }) };
}

const kindNames: Readonly<Record<string, string>> = {
  text: 'plain text',
  promptCompletion: 'prompt and completion',
  instruction: 'instructions (Alpaca)',
  messages: 'chats',
  labelled: 'labelled text',
  tokens: 'words with labels',
};

/** The source and its target are cut each by itself. */
function longestSequence({ ids, target }: EncodedRow): number {
  return Math.max(ids.length, target?.kind === 'sequence' ? target.ids.length : 0);
}

function formatOf({ name, records, images }: PreparedData, taskType: TaskType): string {
  if (images) return 'folder of images';
  const nameOf = (kind: DataRecord['kind']) =>
    kind === 'promptCompletion' && taskType === 'SEQ_2_SEQ_LM' ? 'source and target' : (kindNames[kind] ?? kind);
  const kinds = [...new Set(records.map(({ kind }) => nameOf(kind)))];
  return `${name.split('.').at(-1) ?? 'file'}: ${kinds.join(', ')}`;
}

function gather(problems: readonly DataProblem[]): DataCard['problems'] {
  const byMessage = new Map<string, DataProblem[]>();
  for (const problem of problems) byMessage.set(problem.message, [...(byMessage.get(problem.message) ?? []), problem]);
  return [...byMessage].map(([message, same]) => ({
    message: same.length === 1 && same[0] ? withPlace(same[0]) : message,
    count: same.length,
    lines: same.slice(0, shownLines).map(({ place }) => place.number),
  }));
}

/** A message about an image names its file already. */
function withPlace({ place, message }: DataProblem): string {
  return place.unit === 'image' ? message : `${placeName(place)}: ${message}`;
}
