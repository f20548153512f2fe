import { describe, expect, it } from 'vitest';
import { UserError } from '../formats/errors.ts';
import { fixedLabels, resolveLabels } from './labels.ts';
import type { KnownLabels } from './labels.ts';
import type { RowLabel } from './records.ts';

const resolve = (labels: RowLabel[], known?: KnownLabels) =>
  resolveLabels(
    labels.map((label, i) => ({ label, where: `line ${i + 1}` })),
    known,
  );
const known = (...names: string[]): KnownLabels => ({ names, isFixed: false });

describe('class labels', () => {
  it('count up as they first appear', () => {
    const { map, targetOf } = resolve(['pear', 'apple', 'pear']);
    expect(map).toEqual({
      id2label: { 0: 'pear', 1: 'apple' },
      label2id: { pear: 0, apple: 1 },
      problemType: 'single_label_classification',
      numLabels: 2,
    });
    expect(targetOf('apple')).toEqual({ kind: 'class', classId: 1 });
  });

  it("take the model's numbers where it knows all names, else make their own", () => {
    expect(resolve(['apple', 'pear'], known('plum', 'pear', 'apple')).targetOf('apple')).toMatchObject({ classId: 2 });
    expect(resolve(['apple', 'fig'], known('plum', 'pear', 'apple')).map.id2label).toEqual({ 0: 'apple', 1: 'fig' });
  });

  it('that are numbers need no names: the highest tells how many there are', () => {
    expect(resolve([0, 4]).map).toMatchObject({ numLabels: 5, id2label: { 4: 'LABEL_4' } });
    expect(resolve([0, 0]).map.numLabels).toBe(2);
  });

  it.each([
    [
      'a number past the names',
      [0, 3],
      known('a', 'b', 'c'),
      'The label 3 at line 2 is outside the range 0 to 2 (a, b, c)',
    ],
    ['a negative number', [0, -1], undefined, '-1 at line 2 is outside the range 0 to 1'],
    ['a name that a trained head lacks', ['a', 'x'], { ...known('a', 'b'), isFixed: true }, '"x" at line 2'],
    ['numbers among names', ['a', 1, 'b'], undefined, 'line 2 is the number 1'],
    ['one name alone', ['a', 'a'], undefined, 'Every row has the label "a"'],
    ['a number no head has', [0, 5_000_000], undefined, '5000000 at line 2'],
    ['a value among classes', [0, 0.5], { ...known(), problemType: 'single_label_classification' }, '0.5 at line 2'],
    [
      'several classes of one row',
      [[0, 1]],
      { ...known(), problemType: 'single_label_classification' },
      'line 1 is a list',
    ],
  ] as [string, RowLabel[], KnownLabels | undefined, string][])(
    'refuse %s, and say where it stands',
    (_, labels, names, message) => {
      expect(() => resolve(labels, names)).toThrow(UserError);
      expect(() => resolve(labels, names)).toThrow(message);
    },
  );

  it('of further rows are those of the first', () => {
    const further = fixedLabels(resolve(['pear', 'apple']).map);
    expect(resolve(['apple'], further).targetOf('apple')).toMatchObject({ classId: 1 });
    expect(resolve([1], further).targetOf(1)).toMatchObject({ classId: 1 });
    expect(() => resolve([2], further)).toThrow('outside the range');
  });
});

describe('several labels a row', () => {
  it('are told by name', () => {
    const { map, targetOf } = resolve([['a'], [], ['b', 'a']]);
    expect(map).toMatchObject({ problemType: 'multi_label_classification', numLabels: 2 });
    expect(targetOf(['b'])).toEqual({ kind: 'values', values: Float32Array.of(0, 1) });
    expect(targetOf([])).toEqual({ kind: 'values', values: Float32Array.of(0, 0) });
  });

  it('are told by number, or by 0 and 1 for each class', () => {
    const byNumber = resolve([[0, 2], [1]]);
    expect(byNumber.map.numLabels).toBe(3);
    expect(byNumber.targetOf([0, 2])).toMatchObject({ values: Float32Array.of(1, 0, 1) });
    const hot = resolve([
      [0, 1, 1],
      [0, 0, 0],
    ]);
    expect(hot.map.numLabels).toBe(3);
    expect(hot.targetOf([0, 1, 1])).toMatchObject({ values: Float32Array.of(0, 1, 1) });
  });

  it('of 0 and 1 are numbers where the model has another number of classes', () => {
    const fixed: KnownLabels = { ...known('a', 'b', 'c'), isFixed: true };
    expect(resolve([[0, 1]], fixed).targetOf([0, 1])).toMatchObject({ values: Float32Array.of(1, 1, 0) });
  });
});

describe('values', () => {
  it('are told by a label that is no whole number, by a model of one output, or on request', () => {
    const { map, targetOf } = resolve([1, 2.5]);
    expect(map).toMatchObject({ problemType: 'regression', numLabels: 1 });
    expect(targetOf(2.5)).toEqual({ kind: 'values', values: Float32Array.of(2.5) });
    expect(resolve([1, 2], known('LABEL_0')).map.problemType).toBe('regression');
    expect(resolve([[1, 2]], { ...known(), problemType: 'regression' }).map.numLabels).toBe(2);
  });

  it('have to be numbers, as many in each row', () => {
    const regression: KnownLabels = { ...known(), problemType: 'regression' };
    expect(() => resolve([1, 'x'], regression)).toThrow('"x" at line 2 is not a number');
    expect(() => resolve([[1, 2], [1]], regression)).toThrow('line 2 has 1 value; the model estimates 2');
  });
});
