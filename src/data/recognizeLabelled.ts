import type { DataRecord, LabelValue, Place, RowLabel } from './records.ts';
import { isGiven, nonEmpty, parseCell, RowError, textOf } from './rowFields.ts';
import type { Row } from './rowFields.ts';

/** Columns of two texts that belong together, as GLUE and its kin name them. */
const pairColumns = [
  ['text', 'text_pair'],
  ['sentence1', 'sentence2'],
  ['premise', 'hypothesis'],
  ['question1', 'question2'],
  ['question', 'sentence'],
  ['question', 'passage'],
  ['query', 'passage'],
] as const;

const textColumns = ['text', 'sentence', 'review'] as const;
const labelColumns = ['label', 'labels', 'gold_label'] as const;
const wordColumns = ['tokens', 'words'] as const;
const wordLabelColumns = ['labels', 'label', 'ner_tags', 'tags', 'pos_tags', 'chunk_tags'] as const;

/** A row of a text or two with a label, or of words with a label each; undefined where it is neither. */
export function recognizeLabelled(row: Row, place: Place): DataRecord | undefined {
  const words = wordColumns.find((column) => isGiven(row[column]));
  const wordLabels = wordLabelColumns.find((column) => isGiven(row[column]));
  if (words && wordLabels) return tokensRecord(row, words, wordLabels, place);
  const pair = pairColumns.find((columns) => columns.every((column) => isGiven(row[column])));
  const label = [...labelColumns, ...(pair ? ['score'] : [])].find((column) => isGiven(row[column]));
  if (label === undefined) return undefined;
  if (pair) {
    const [text, textPair] = pair;
    return {
      kind: 'labelled',
      text: nonEmpty(row, text),
      textPair: textOf(row, textPair),
      label: readLabel(row[label]),
      place,
    };
  }
  const text = textColumns.find((column) => isGiven(row[column]));
  if (!text) return undefined;
  return { kind: 'labelled', text: textOf(row, text), textPair: undefined, label: readLabel(row[label]), place };
}

function tokensRecord(row: Row, wordColumn: string, labelColumn: string, place: Place): DataRecord {
  const tokens = listOf(row[wordColumn], wordColumn).map((word) => {
    if (typeof word === 'string') return word;
    throw new RowError(`has ${wordColumn} that are not a list of words.`);
  });
  const labels = listOf(row[labelColumn], labelColumn).map(readLabelValue);
  if (labels.length !== tokens.length)
    throw new RowError(`has ${tokens.length} ${wordColumn} but ${labels.length} ${labelColumn}; each needs one.`);
  return { kind: 'tokens', tokens, labels, place };
}

/** A list, also where a CSV file holds it as JSON. */
function listOf(value: unknown, column: string): readonly unknown[] {
  const list = typeof value === 'string' ? parseCell(value, column) : value;
  if (Array.isArray(list) && list.length > 0) return list;
  throw new RowError(`has ${column} that are not a list.`);
}

/** A label, or a list of them. */
export function readLabel(value: unknown): RowLabel {
  if (Array.isArray(value)) return value.map(readLabelValue);
  if (typeof value === 'string' && value.startsWith('[')) {
    const list = parseCell(value, 'labels');
    if (Array.isArray(list)) return list.map(readLabelValue);
  }
  return readLabelValue(value);
}

/** A number, also where a CSV file holds it as text, or a name. */
function readLabelValue(value: unknown): LabelValue {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string' && value.trim() !== '')
    return /^-?\d+(\.\d+)?(e[-+]?\d+)?$/i.test(value) ? Number(value) : value;
  throw new RowError('has a label that is neither a number nor a name.');
}
