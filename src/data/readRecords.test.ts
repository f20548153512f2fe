import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../formats/byteSource.ts';
import type { ByteSource } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import { readRecords } from './readRecords.ts';

const fixture = (name: string): ByteSource =>
  memorySource(readFileSync(new URL(`../../tests/fixtures/data/${name}`, import.meta.url)), name);
const textFile = (text: string, name: string): ByteSource => memorySource(new TextEncoder().encode(text), name);

describe('JSON lines', () => {
  it('tells each row by its columns, and reports the broken ones by line', async () => {
    const { records, problems } = await readRecords(fixture('mixed.jsonl'));
    expect(records).toMatchObject([
      { kind: 'text', text: 'Graft in spring.', place: { unit: 'line', number: 1 } },
      { kind: 'promptCompletion', prompt: 'Q: apple on? A:', completion: ' quince' },
      { kind: 'instruction', instruction: 'Name a rootstock.', input: '', output: 'M9', place: { number: 3 } },
      { kind: 'messages', messages: [{ role: 'user' }, { role: 'assistant', content: 'Hello' }], place: { number: 5 } },
      {
        kind: 'messages',
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Bud?' },
          { role: 'assistant', content: 'In August.' },
        ],
      },
      { kind: 'labelled', text: 'sound wood', label: 'good' },
    ]);
    expect(problems.map(({ place, message }) => [place.number, message])).toEqual([
      [8, expect.stringContaining('not valid JSON')],
      [9, 'has an empty completion.'],
      [10, 'has an empty reply (turn 2).'],
      [11, expect.stringContaining('it has: colour')],
    ]);
  });

  it('is read whole lines at a time across slices, with progress', async () => {
    const row = { text: '漢字 ü '.repeat(5000) };
    const source = textFile(Array.from({ length: 60 }, () => JSON.stringify(row)).join('\r\n'), 'long.jsonl');
    const progress: number[] = [];
    const { records } = await readRecords(source, { onProgress: (read) => progress.push(read) });
    expect(records).toHaveLength(60);
    expect(records.every((record) => record.kind === 'text' && record.text === row.text)).toBe(true);
    expect(progress.length).toBeGreaterThan(2);
    expect(progress.at(-1)).toBe(source.size);
  });

  it('lets other work run meanwhile', async () => {
    const source = textFile(`${JSON.stringify({ text: 'x'.repeat(2 ** 20) })}\n`.repeat(4), 'big.jsonl');
    let ticks = 0;
    const timer = setInterval(() => ticks++, 0);
    await readRecords(source);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(0);
  });

  it('is refused where no row is good, with the first reason', async () => {
    await expect(readRecords(textFile('{"a": 1}\n{"b": 2}\n', 'odd.jsonl'))).rejects.toThrow(
      /odd\.jsonl has no row.*line 1, has none/,
    );
    await expect(readRecords(textFile('', 'empty.jsonl'))).rejects.toThrow('empty.jsonl has no rows');
  });
});

describe('text that is not UTF-8', () => {
  it('is refused with the byte and the line', async () => {
    const bytes = new Uint8Array([...new TextEncoder().encode('{"text": "ü"}\n{"text": "'), 0xfc, 0x22, 0x7d, 0x0a]);
    const reading = readRecords(memorySource(bytes, 'latin1.jsonl'));
    await expect(reading).rejects.toThrow(UserError);
    await expect(reading).rejects.toThrow('byte 25 (line 2)');
  });

  it('is found far into the file too', async () => {
    const good = new TextEncoder().encode(`${JSON.stringify({ text: 'é'.repeat(300_000) })}\n`.repeat(4));
    const bytes = new Uint8Array(good.length + 1);
    bytes.set(good);
    bytes[good.length] = 0xff;
    await expect(readRecords(memorySource(bytes, 'far.jsonl'))).rejects.toThrow(`byte ${good.length} (line 5)`);
  });

  it('is named when it is UTF-16', async () => {
    await expect(readRecords(memorySource(Uint8Array.of(0xff, 0xfe, 0x7b, 0), 'x.jsonl'))).rejects.toThrow('UTF-16');
  });
});

describe('JSON', () => {
  it('is a list, or an object with the list under data', async () => {
    const rows = [{ text: 'a' }, { text: '' }, { query: 'q', response: 'r', system: 's' }];
    for (const value of [rows, { data: rows }]) {
      const { records, problems } = await readRecords(textFile(JSON.stringify(value, null, 1), 'rows.json'));
      expect(records.map(({ kind }) => kind)).toEqual(['text', 'messages']);
      expect(problems).toEqual([{ place: { unit: 'element', number: 2 }, message: 'has an empty text.' }]);
    }
  });

  it('may be JSON lines under the name .json', async () => {
    const { records } = await readRecords(textFile('{"text": "a"}\n{"text": "b"}\n', 'rows.json'));
    expect(records.map(({ place }) => place)).toEqual([
      { unit: 'line', number: 1 },
      { unit: 'line', number: 2 },
    ]);
  });

  it('is refused with what is wrong', async () => {
    await expect(readRecords(textFile('[{"text": "a"}', 'cut.json'))).rejects.toThrow(/cut\.json is not valid JSON/);
    await expect(readRecords(textFile('{"rows": []}', 'odd.json'))).rejects.toThrow(/no list of rows/);
  });

  it('reads Alpaca with a history as a conversation', async () => {
    const row = { instruction: 'and now?', input: 'x', output: 'so', history: [['q', 'a']] };
    const { records } = await readRecords(textFile(JSON.stringify([row]), 'alpaca.json'));
    expect(records).toMatchObject([
      {
        kind: 'messages',
        messages: [{ content: 'q' }, { content: 'a' }, { content: 'and now?\nx' }, { content: 'so' }],
      },
    ]);
  });
});

describe('CSV', () => {
  it('reads quoted cells over lines, and reports rows that do not fit', async () => {
    const { records, problems } = await readRecords(fixture('table.csv'));
    expect(records).toMatchObject([
      {
        kind: 'promptCompletion',
        prompt: 'When, to "graft"?',
        completion: 'In\nspring.',
        place: { unit: 'row', number: 1 },
      },
      { kind: 'promptCompletion', prompt: 'Bud?', completion: 'In August.' },
    ]);
    expect(problems.map(({ place, message }) => [place.number, message])).toEqual([
      [3, expect.stringContaining('more cells')],
      [4, 'has an empty completion.'],
    ]);
  });

  it('is read through to the end where it is long', async () => {
    const rows = Array.from({ length: 5001 }, (_, i) => `"row ${i}, with\na break",${i % 3}`);
    const { records } = await readRecords(textFile(`text,label\n${rows.join('\n')}\n`, 'long.csv'));
    expect(records).toHaveLength(5001);
    expect(records.at(-1)).toMatchObject({ kind: 'labelled', text: 'row 5000, with\na break', label: 2 });
  });

  it('takes a column mapping, and leaves the columns it does not name', async () => {
    const source = textFile('Frage\tAntwort\ttext\nWann?\tBald.\tx\n', 'de.tsv');
    const { records } = await readRecords(source, { columns: { prompt: 'Frage', completion: 'Antwort' } });
    expect(records).toMatchObject([{ kind: 'promptCompletion', prompt: 'Wann?', completion: 'Bald.' }]);
  });
});

it('plain text: blank lines part the rows', async () => {
  const { records } = await readRecords(textFile('one\r\nstill one\r\n\r\n \n\ntwo\n', 'notes.txt'));
  expect(records).toMatchObject([
    { kind: 'text', text: 'one\nstill one', place: { unit: 'paragraph', number: 1 } },
    { kind: 'text', text: 'two', place: { unit: 'paragraph', number: 2 } },
  ]);
});
