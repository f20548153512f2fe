import { describe, expect, it } from 'vitest';
import { recognizeRow } from './recognizeRow.ts';
import { RowError } from './rowFields.ts';

const place = { unit: 'line', number: 1 } as const;
const recognize = (row: object) => {
  const { place: _, ...record } = recognizeRow(row, place);
  return record;
};

describe('labelled rows', () => {
  it.each([
    [
      { text: 'a', label: 1 },
      { text: 'a', label: 1 },
    ],
    [
      { sentence: 'a', label: '2', idx: 7 },
      { text: 'a', label: 2 },
    ],
    [
      { text: 'a', labels: ['x', 'y'] },
      { text: 'a', label: ['x', 'y'] },
    ],
    [
      { text: 'a', label: '[0, 1]' },
      { text: 'a', label: [0, 1] },
    ],
    [
      { text: 'a', label: true },
      { text: 'a', label: 1 },
    ],
    [
      { sentence1: 'a', sentence2: 'b', score: '3.8' },
      { text: 'a', textPair: 'b', label: 3.8 },
    ],
    [
      { premise: 'a', hypothesis: 'b', label: 'neutral' },
      { text: 'a', textPair: 'b', label: 'neutral' },
    ],
    [
      { question: 'a', sentence: 'b', label: 0 },
      { text: 'a', textPair: 'b', label: 0 },
    ],
  ])('%j', (row, expected) => {
    expect(recognize(row)).toEqual({ kind: 'labelled', textPair: undefined, ...expected });
  });

  it('of words may stand in JSON or in cells of a table', () => {
    const expected = { kind: 'tokens', tokens: ['a', 'b'], labels: [0, 'B-PER'] };
    expect(recognize({ tokens: ['a', 'b'], ner_tags: [0, 'B-PER'] })).toEqual(expected);
    expect(recognize({ words: '["a","b"]', labels: '[0,"B-PER"]' })).toEqual(expected);
  });

  it.each([
    [{ tokens: ['a', 'b'], labels: [0] }, '2 tokens but 1 labels'],
    [{ tokens: 'a b', labels: [0] }, 'not valid JSON'],
    [{ tokens: [1], labels: [0] }, 'not a list of words'],
    [{ text: 'a', label: { x: 1 } }, 'neither a number nor a name'],
  ])('%j is refused', (row, message) => {
    expect(() => recognize(row)).toThrow(RowError);
    expect(() => recognize(row)).toThrow(message);
  });

  it('a text without a label stays a text', () => {
    expect(recognize({ text: 'a', label: null })).toEqual({ kind: 'text', text: 'a' });
  });
});

it.each([[{ source: 'a', target: 'b' }], [{ document: 'a', summary: 'b' }], [{ input: 'a', output: 'b' }]])(
  'source and target: %j',
  (row) => {
    expect(recognize(row)).toEqual({ kind: 'promptCompletion', prompt: 'a', completion: 'b' });
  },
);
