import { UserError } from '../formats/errors.ts';
import type { ByteSource } from '../formats/byteSource.ts';
import { placeName } from './records.ts';
import type { ColumnMapping, DataProblem, DataRecord, Place } from './records.ts';
import { recognizeRow } from './recognizeRow.ts';
import { RowError } from './rowFields.ts';
import { readTextSlices, readWholeText } from './textLines.ts';
import type { OnProgress } from './textLines.ts';
import { yieldToEventLoop } from './yieldToEventLoop.ts';

export interface ReadOptions {
  /** which column holds what, for files with other names than the usual */
  readonly columns?: ColumnMapping;
  readonly onProgress?: OnProgress;
}

export interface ReadResult {
  readonly records: DataRecord[];
  /** rows left out, in file order */
  readonly problems: DataProblem[];
}

/**
 * Reads a data set: JSON lines, JSON (a list, or an object with the list under `data`), CSV or TSV with a header row, or
 * plain text, in which blank lines part the rows. The kind is told by the file's extension, without a telling one by what it
 * begins with. Broken rows are left out and reported; a file that is broken as a whole, or has no good row, is a UserError.
 */
export async function readRecords(source: ByteSource, options: ReadOptions = {}): Promise<ReadResult> {
  const collector = new Collector(options.columns);
  switch (await kindOf(source)) {
    case 'jsonl':
      await readJsonLines(source, collector, options.onProgress);
      break;
    case 'json':
      await readJsonList(source, collector, options.onProgress);
      break;
    case 'csv':
      await readCsv(source, collector, options.onProgress);
      break;
    case 'txt':
      await readParagraphs(source, collector, options.onProgress);
      break;
  }
  return collector.finish(source.name);
}

type FileKind = 'jsonl' | 'json' | 'csv' | 'txt';

const kindOfExtension: Readonly<Record<string, FileKind>> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  csv: 'csv',
  tsv: 'csv',
  txt: 'txt',
  text: 'txt',
  md: 'txt',
};

/** .json is not trusted: many files so named hold one object a line. */
async function kindOf(source: ByteSource): Promise<FileKind> {
  const extension = /\.([a-z]+)$/i.exec(source.name)?.[1]?.toLowerCase() ?? '';
  const known = Object.hasOwn(kindOfExtension, extension) ? kindOfExtension[extension] : undefined;
  if (known) return known;
  if (extension === 'parquet') {
    throw new UserError(`${source.name} is a Parquet file, which is not read here. Save it as .jsonl.`);
  }
  const head = new TextDecoder().decode(await source.read(0, Math.min(source.size, 1 << 16))).trimStart();
  const firstLine = head.slice(0, head.indexOf('\n') < 0 ? undefined : head.indexOf('\n'));
  if (head.startsWith('[')) return 'json';
  if (head.startsWith('{')) return isJson(firstLine) && firstLine.length < head.trimEnd().length ? 'jsonl' : 'json';
  if (extension === 'json') return 'json';
  return /[,;\t]/.test(firstLine) && /^[\w"',;\t -]+$/.test(firstLine.trim()) ? 'csv' : 'txt';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Gathers records and problems, row by row. */
class Collector {
  private readonly records: DataRecord[] = [];
  private readonly problems: DataProblem[] = [];

  constructor(private readonly columns: ColumnMapping | undefined) {}

  add(row: unknown, place: Place): void {
    try {
      this.records.push(recognizeRow(row, place, this.columns));
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      this.report(place, error.message);
    }
  }

  addText(text: string, place: Place): void {
    this.records.push({ kind: 'text', text, place });
  }

  report(place: Place, message: string): void {
    this.problems.push({ place, message });
  }

  finish(name: string): ReadResult {
    if (this.records.length > 0) return { records: this.records, problems: this.problems };
    const [first] = this.problems;
    if (!first) throw new UserError(`${name} has no rows. Put at least one in it.`);
    throw new UserError(`${name} has no row that can be used; the first, ${placeName(first.place)}, ${first.message}`);
  }
}

async function readJsonLines(source: ByteSource, collector: Collector, onProgress?: OnProgress): Promise<void> {
  let line = 0;
  for await (const slice of readTextSlices(source, 'lines', onProgress)) {
    const lines = slice.split('\n');
    if (lines.at(-1) === '') lines.pop();
    for (const text of lines) {
      const place: Place = { unit: 'line', number: ++line };
      if (text.trim() === '') continue;
      try {
        collector.add(JSON.parse(text), place);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        collector.report(place, `is not valid JSON (${error.message}).`);
      }
    }
  }
}

async function readJsonList(source: ByteSource, collector: Collector, onProgress?: OnProgress): Promise<void> {
  const text = await readWholeText(source, onProgress);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(
      `${source.name} is not valid JSON (${detail}). Mend it there, or save it as .jsonl, one row a line.`,
      {
        cause,
      },
    );
  }
  const list = listIn(value);
  if (!list)
    throw new UserError(
      `${source.name} holds no list of rows. Make it a JSON list, or an object with the list under "data".`,
    );
  for (const [index, row] of list.entries()) {
    collector.add(row, { unit: 'element', number: index + 1 });
    if (index % 1000 === 999) await yieldToEventLoop();
  }
}

function listIn(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const data: unknown = 'data' in value ? value.data : undefined;
  return Array.isArray(data) ? data : undefined;
}

const csvRowsAtOnce = 2000;

/** The first row names the columns; a row with fewer cells than names lacks the last ones. */
async function readCsv(source: ByteSource, collector: Collector, onProgress?: OnProgress): Promise<void> {
  const [{ default: Papa }, text] = await Promise.all([import('papaparse'), readWholeText(source, onProgress)]);
  let delimiter = /\.tsv$/i.test(source.name) ? '\t' : '';
  let newline: '\r' | '\n' | '\r\n' | undefined;
  let names: readonly string[] | undefined;
  let number = 0;
  for (let start = 0; start < text.length;) {
    const { data, errors, meta } = Papa.parse<string[]>(text.slice(start), {
      delimiter,
      newline,
      preview: csvRowsAtOnce,
      fastMode: false,
    });
    delimiter = meta.delimiter;
    // told once: guessing it again would look through a megabyte each time
    newline = meta.linebreak === '\r' || meta.linebreak === '\r\n' ? meta.linebreak : '\n';
    const faults = new Map(errors.map(({ row, message }) => [row, message]));
    for (const [index, cells] of data.entries()) {
      if (cells.every((cell) => cell.trim() === '')) continue;
      if (!names) {
        names = cells.map((name) => name.trim());
        continue;
      }
      const place: Place = { unit: 'row', number: ++number };
      const fault =
        faults.get(index) ?? (cells.length > names.length ? 'it has more cells than the header has names' : undefined);
      if (fault !== undefined) collector.report(place, `is not a good CSV row (${fault}).`);
      else collector.add(Object.fromEntries(cells.map((cell, column) => [names?.[column] ?? '', cell])), place);
    }
    if (!meta.truncated || meta.cursor <= 0) return;
    start += meta.cursor;
    await yieldToEventLoop();
  }
}

/** Rows of a text file are its paragraphs, without the line end after the last line; lines inside one stay as they are. */
async function readParagraphs(source: ByteSource, collector: Collector, onProgress?: OnProgress): Promise<void> {
  let number = 0;
  let paragraph: string[] = [];
  const finishParagraph = (): void => {
    if (paragraph.length > 0) collector.addText(paragraph.join('\n'), { unit: 'paragraph', number: ++number });
    paragraph = [];
  };
  for await (const slice of readTextSlices(source, 'lines', onProgress)) {
    const lines = slice.split(/\r?\n/);
    if (lines.at(-1) === '') lines.pop();
    for (const line of lines) {
      if (line.trim() === '') finishParagraph();
      else paragraph.push(line);
    }
  }
  finishParagraph();
}
