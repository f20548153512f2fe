import type { ByteSource } from '../../formats/byteSource.ts';
import { placeName } from '../records.ts';
import type { RowLabel } from '../records.ts';
import { readLabel } from '../recognizeLabelled.ts';
import { isGiven, isRow, RowError } from '../rowFields.ts';
import { readTextSlices } from '../textLines.ts';
import type { ImageProblem } from './imageFiles.ts';

/** A line of metadata.jsonl. */
export interface ImageEntry {
  /** relative to the folder of metadata.jsonl */
  readonly fileName: string;
  readonly label: RowLabel;
  readonly where: string;
}

/** Reads metadata.jsonl: {"file_name", "label"} a line. Lines that are broken are added to `problems`. */
export async function readMetadata(source: ByteSource, problems: ImageProblem[]): Promise<ImageEntry[]> {
  const entries: ImageEntry[] = [];
  let number = 0;
  for await (const slice of readTextSlices(source, 'lines')) {
    const lines = slice.split('\n');
    if (lines.at(-1) === '') lines.pop();
    for (const line of lines) {
      const where = `${source.name} ${placeName({ unit: 'line', number: ++number })}`;
      if (line.trim() === '') continue;
      try {
        entries.push({ ...readEntry(JSON.parse(line)), where });
      } catch (error) {
        if (error instanceof RowError) problems.push({ where, message: error.message });
        else if (error instanceof SyntaxError)
          problems.push({ where, message: `is not valid JSON (${error.message}).` });
        else throw error;
      }
    }
  }
  return entries;
}

function readEntry(row: unknown): Omit<ImageEntry, 'where'> {
  if (!isRow(row) || typeof row['file_name'] !== 'string' || row['file_name'] === '')
    throw new RowError('has no file_name.');
  const label = row['label'] ?? row['labels'];
  if (!isGiven(label)) throw new RowError('has no label.');
  return { fileName: row['file_name'].replace(/^\.\//, ''), label: readLabel(label) };
}
