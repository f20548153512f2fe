import { expect, it } from 'vitest';
import { howToLoad } from './howToLoad.ts';

it.each([
  [{ peft_type: 'LORA', task_type: 'SEQ_CLS' }, /AutoModelForSequenceClassification.*PeftModel/s],
  [{ peft_type: 'LORA', task_type: null }, /AutoModelForImageClassification/],
  [{ model_class: 'BertForTokenClassification' }, /AutoModelForTokenClassification.*adapters\.init.*use_safetensors/s],
  [{ model_class: 'GPT2LMHeadModel' }, /AutoModelForCausalLM/],
  [
    { peft_type: 'HYBRID', lora: { task_type: 'CAUSAL_LM' }, adapter: {} },
    /AutoModelForCausalLM.*this-folder\/adapter.*this-folder\/lora/s,
  ],
])('%o is loaded by the library that reads it', (config, lines) => {
  expect(howToLoad(config, 'pear/tree').join('\n')).toMatch(lines);
  expect(howToLoad(config, 'pear/tree').join('\n')).toContain('from_pretrained("pear/tree")');
});

it('gives the base of a classifier a head for the labels', () => {
  const lines = howToLoad({ peft_type: 'LORA', task_type: 'SEQ_CLS' }, 'pear/tree', 3);
  expect(lines.join('\n')).toContain('from_pretrained("pear/tree", num_labels=3, ignore_mismatched_sizes=True)');
});
