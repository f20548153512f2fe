import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { classMetrics, textMetrics, valueMetrics } from './taskMetrics.ts';
import { perplexity, rouge } from './taskMetricsText.ts';

interface Fixture {
  classes: {
    numLabels: number;
    logits: number[];
    classIds: number[];
    confusion: number[][];
    [score: string]: unknown;
  }[];
  labels: { numLabels: number; logits: number[]; values: number[]; [score: string]: unknown }[];
  regression: { logits: number[]; values: number[]; [score: string]: unknown }[];
  texts: Record<'predictions' | 'references', string[]> & Record<'rouge1' | 'rouge2' | 'rougeL', number[]>;
}

const path = new URL('../../tests/fixtures/metrics.json', import.meta.url);
const fixture = JSON.parse(readFileSync(path, 'utf8')) as Fixture;

function expectScores(ours: Readonly<Record<string, number | null>>, theirs: Readonly<Record<string, unknown>>): void {
  expect(Object.keys(ours).length).toBeGreaterThan(0);
  for (const [name, score] of Object.entries(ours)) expect(score, name).toBeCloseTo(Number(theirs[name]), 12);
}

describe('figures are those of scikit-learn and SciPy', () => {
  it.each(fixture.classes.map((entry, i) => [i, entry] as const))('classes, case %i', (_, entry) => {
    const { scores, confusion } = classMetrics(entry.logits, entry.classIds, entry.numLabels);
    expectScores(scores, entry);
    expect([...confusion!.counts]).toEqual(entry.confusion.flat());
  });

  it.each(fixture.labels.map((entry, i) => [i, entry] as const))('several labels, case %i', (_, entry) => {
    const { logits, values, numLabels } = entry;
    expectScores(valueMetrics(logits, values, numLabels, 'multi_label_classification').scores, entry);
  });

  it.each(fixture.regression.map((entry, i) => [i, entry] as const))('values, case %i', (_, entry) => {
    expectScores(valueMetrics(entry.logits, entry.values, 1, 'regression').scores, entry);
  });
});

interface Entities {
  readonly names: string[];
  readonly actual: number[][];
  readonly predicted: number[][];
  readonly [score: string]: unknown;
}

describe('words with labels', () => {
  const entities = JSON.parse(
    readFileSync(new URL('../../tests/fixtures/entities.json', import.meta.url), 'utf8'),
  ) as Entities[];
  const metricsOf = ({ names, actual, predicted }: Pick<Entities, 'names' | 'actual' | 'predicted'>) => {
    const logits = predicted.flat().flatMap((guess) => names.map((_, label) => Number(label === guess)));
    const texts = actual.flatMap((row, text) => row.map(() => text));
    return classMetrics(logits, actual.flat(), names.length, { names, texts });
  };

  it.each(entities.map((entry) => [entry.names.join(' '), entry] as const))(
    'entities are those of seqeval: %s',
    (_, entry) => {
      const { scores } = metricsOf(entry);
      expect(Object.keys(scores)).toEqual(['precision', 'recall', 'f1', 'accuracy']);
      expectScores(scores, entry);
    },
  );

  it('are scored by themselves where their labels mark no entities', () => {
    const plain = { names: ['NOUN', 'VERB'], actual: [[0, 1], [1]], predicted: [[0, 0], [1]] };
    expect(Object.keys(metricsOf(plain).scores)).toEqual(['accuracy', 'f1_macro', 'matthews_correlation']);
    expect(Object.keys(metricsOf({ ...plain, names: ['O', 'B-'] }).scores)).toContain('f1_macro');
  });
});

it('a correlation with what does not vary is not there', () => {
  const { scores } = valueMetrics([1, 2, 3], [5, 5, 5], 1, 'regression');
  expect(scores).toMatchObject({ pearson: null, spearman: null });
});

describe('texts', () => {
  const { predictions, references, ...theirs } = fixture.texts;

  it.each(predictions.map((prediction, i) => [prediction, i] as const))(
    "ROUGE of %j is rouge_score's",
    (prediction, i) => {
      const ours = rouge([prediction], [references[i]!]);
      for (const kind of ['rouge1', 'rouge2', 'rougeL'] as const) expect(ours[kind]).toBeCloseTo(theirs[kind][i]!, 12);
    },
  );

  it('are scored by their mean, and by how many are right', () => {
    const { scores } = textMetrics(predictions, references);
    const mean = theirs.rougeL.reduce((sum, score) => sum + score, 0) / predictions.length;
    expect(scores['rougeL']).toBeCloseTo(mean, 12);
    expect(scores['exact_match']).toBe(0.2);
  });
});

it('perplexity is e to the loss', () => {
  expect(perplexity(Math.log(7))).toBeCloseTo(7, 12);
});
