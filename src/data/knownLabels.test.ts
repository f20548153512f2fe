import { describe, expect, it } from 'vitest';
import { labelsOfConfig } from './knownLabels.ts';

describe('labels of a config', () => {
  it('are its id2label in order of number, else as many as num_labels', () => {
    const config = { id2label: { 1: 'POSITIVE', 0: 'NEGATIVE' }, problem_type: 'single_label_classification' };
    expect(labelsOfConfig(config, true)).toEqual({
      names: ['NEGATIVE', 'POSITIVE'],
      isFixed: true,
      problemType: 'single_label_classification',
    });
    expect(labelsOfConfig({ num_labels: 2, problem_type: null }, false)).toEqual({
      names: ['LABEL_0', 'LABEL_1'],
      isFixed: false,
    });
    expect(labelsOfConfig({}, false).names).toEqual([]);
  });

  it('are refused with a gap, or a problem type that does not exist', () => {
    expect(() => labelsOfConfig({ id2label: { 0: 'a', 2: 'c' } }, false)).toThrow('none for 1');
    expect(() => labelsOfConfig({ problem_type: 'ranking' }, false)).toThrow('regression, single_label');
  });
});
