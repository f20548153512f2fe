import { describe, expect, it } from 'vitest';
import { describeModel } from './registry.ts';

describe('BERT', () => {
  it('has its pooler as a classifier of texts, and none as one of tokens, as Transformers makes them', () => {
    const paths = (type: 'SEQ_CLS' | 'TOKEN_CLS') =>
      describeModel({ model_type: 'bert' }, { type, numLabels: 3 }).modules.map(({ path }) => path);
    expect(paths('SEQ_CLS')).toContain('bert.pooler.dense');
    expect(paths('TOKEN_CLS')).not.toContain('bert.pooler.dense');
  });

  it.each([
    ['bert', 'BertForSequenceClassification'],
    ['roberta', 'RobertaForSequenceClassification'],
    ['xlm-roberta', 'XLMRobertaForSequenceClassification'],
    ['distilbert', 'DistilBertForSequenceClassification'],
  ])('is told by the name of its class, without which AdapterHub leaves a head out: %s', (modelType, name) => {
    expect(describeModel({ model_type: modelType }, { type: 'SEQ_CLS' }).architecture).toBe(name);
  });
});
