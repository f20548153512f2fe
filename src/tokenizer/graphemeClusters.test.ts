import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { clustersOf } from './graphemeClusters.ts';

const path = new URL('../../tests/fixtures/tokenizer/strings.json', import.meta.url);
const strings = JSON.parse(readFileSync(path, 'utf8')) as string[];

it("are the segmenter's, also where a character joins the plain one after it", () => {
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
  for (const text of [...strings, 'a\u0600b\u0301c', 'x\u0600\u0600y', '\u0600', 'a\r\nb', 'क्षि 각 e\u0301\u0302'])
    expect([...clustersOf(text)]).toEqual(Array.from(segmenter.segment(text), ({ segment }) => segment));
});
